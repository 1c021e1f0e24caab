"""Puts the stock clients into .clients for `make clients`: @openai/agents by npm, the rest by pip.

The example's package-lock.json and requirements/clients.txt pin all by hash. A package index that
does not answer ends the step after a fixed time, and what happened is told. Without Node, or with
one too old, its client is left out, and that is said.
`python -m tests.clients.install [--limit-s S]`
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".clients"
NODE_PROJECT = ROOT / "examples" / "openai-agents-node"
PINNED_BY_NPM = NODE_PROJECT / "package-lock.json"
PINNED_BY_PIP = ROOT / "requirements" / "clients.txt"
NPM_STAMP = "npm.stamp"
PIP_STAMP = "pip.stamp"
OLDEST_NODE = 20
LIMIT_S = 240.0
"""A step takes 5 to 25 s with empty caches; npm alone would wait up to 15 minutes."""
STOP_S = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One package manager's work, done when the stamp holds the digest of what pins it."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    folder: Path
    pinned_by: Path
    stamp: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Install what is missing; exit code 1 when something could not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="for npm, and for pip")
    parser.add_argument("--npm", default="npm", help="the program; one that is not there: no npm")
    options = parser.parse_args(arguments)
    return install(FOLDER, options.npm, options.limit_s, print)


def install(folder: Path, npm: str, limit_s: float, say: Say) -> int:
    """Do both steps, the second one too when the first has failed; 1 when one has."""
    folder.mkdir(exist_ok=True)
    steps = [pip_step(folder)]
    trouble = trouble_with_node(npm)
    if trouble:
        say(
            f"{trouble}: @openai/agents is left out, the Python clients are tested. It needs Node "
            f"{OLDEST_NODE} or later with npm (Debian 13: sudo apt-get install nodejs npm). "
            "Then: make clients"
        )
    else:
        steps.append(npm_step(folder, npm))
    done = [run_step(step, limit_s, say) for step in steps]
    return 0 if all(done) else 1


def trouble_with_node(npm: str) -> str:
    """Why npm's client cannot be installed and run; empty when it can."""
    if shutil.which(npm) is None:
        return "npm was not found"
    node = shutil.which("node")
    if node is None:
        return "Node was not found"
    told = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    version = told.stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    return "" if major.isdigit() and int(major) >= OLDEST_NODE else f"Node {version} is too old"


def npm_step(folder: Path, npm: str) -> Step:
    """Exactly what the lock file pins; its .npmrc bounds each request and runs no scripts."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(NODE_PROJECT / name, folder / name)
    return Step("npm", ((npm, "ci"),), folder, PINNED_BY_NPM, folder / NPM_STAMP)


def pip_step(folder: Path) -> Step:
    """An environment of its own, so that Parley's packages stay what they are."""
    python = folder / "python"
    bounds = ("--timeout", "60", "--retries", "2", "--disable-pip-version-check", "--quiet")
    pins = ("--no-deps", "--require-hashes", "-r", str(PINNED_BY_PIP))
    commands = (
        (sys.executable, "-m", "venv", str(python)),
        (str(python / "bin" / "python"), "-m", "pip", "install", *bounds, *pins),
    )
    return Step("pip", commands, folder, PINNED_BY_PIP, folder / PIP_STAMP)


def run_step(step: Step, limit_s: float, say: Say) -> bool:
    """Run it unless it was done for these pins; say what went wrong and what to type."""
    digest = hashlib.sha256(step.pinned_by.read_bytes()).hexdigest()
    if step.stamp.exists() and step.stamp.read_text() == digest:
        return True
    step.stamp.unlink(missing_ok=True)
    say(f"Installing the stock clients of {step.name} (once; at most {limit_s:.0f} s)")
    for command in step.commands:
        trouble = run(command, step.folder, limit_s)
        if trouble:
            say(
                f"{step.name} {trouble}. Its tests are skipped. To try again: make clients; "
                f"with more time: make clients CLIENTS_LIMIT_S={4 * limit_s:.0f}"
            )
            return False
    step.stamp.write_text(digest)
    return True


def run(command: Sequence[str], folder: Path, limit_s: float) -> str:
    """Run one command and end it, with all that it started, at the limit; say what went wrong."""
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return f"was stopped after {limit_s:.0f} s: its package index answered too slowly, or not"
    finally:
        end(process)
    return f"ended with {code}, its own words are above" if code else ""


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop its group: asked at first, so that it may tidy up, then killed."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
