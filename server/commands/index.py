"""`parley index status | rebuild | tune | verify`: the published indexes, by hand."""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict

from rag.index_build import RecallNotReachedError
from rag.index_keeper import IndexKeeper, order_of, state_lines
from rag.index_kinds import Kind, kind_for
from rag.index_memory import memory_shortage
from rag.index_process import BuildOrder, read_progress, start
from rag.index_retune import RetuneError, retune
from rag.snapshot import SnapshotDamagedError, verify
from rag.snapshot_folder import BuildRunningError, SnapshotFolder
from rag.store import Store
from server.engines.knowledge import limits_of
from server.engines.preparation import load_embedder, open_store
from server.settings import Settings

DONE = 0
FAILED = 1
POLL_S = 0.2


def run_index(parsed: argparse.Namespace, settings: Settings) -> int:
    """Run one action; 1 when it fails or finds damage."""
    if parsed.action == "verify":
        return _verify(SnapshotFolder(settings.indexes_dir), as_json=parsed.json)
    embedder = load_embedder(settings, lambda text: print(text, file=sys.stderr))
    with open_store(settings, embedder) as store:
        if parsed.action == "status":
            return _status(store, settings, as_json=parsed.json)
        if parsed.action == "rebuild":
            return _rebuild(store, settings, parsed.kind)
        return _tune(store, settings, parsed.recall)


def _verify(folder: SnapshotFolder, *, as_json: bool) -> int:
    found: dict[str, str] = {}
    for version in folder.versions():
        try:
            verify(folder.folder_of(version))
            found[version] = ""
        except SnapshotDamagedError as error:
            found[version] = str(error)
    if as_json:
        print(json.dumps({"current": folder.current(), "versions": found}))
    for version, damage in () if as_json else found.items():
        mark = " (current)" if version == folder.current() else ""
        print(f"{version}{mark}: {damage or 'every byte is as published'}")
    if not found and not as_json:
        print("No index is published; the store is searched exactly.")
    return FAILED if any(found.values()) else DONE


def _status(store: Store, settings: Settings, *, as_json: bool) -> int:
    folder = SnapshotFolder(settings.indexes_dir)
    keeper = IndexKeeper(store, folder, limits_of(settings))
    reason, progress = keeper.reason_to_build(), keeper.progress
    told = state_lines(keeper.index.state) | {
        "policy": {**asdict(keeper.limits), "policy": str(keeper.limits.policy)},
        "due": str(reason) if reason else None,
        "build": asdict(progress) if progress else None,
        "alerts": list(keeper.alerts),
    }
    if as_json:
        print(json.dumps(told))
        return DONE
    for name, value in told.items():
        lines = value.items() if isinstance(value, dict) else [("", value)]
        for key, item in lines:
            print(f"{name + ('.' + key if key else ''):24} {item}")
    return DONE


def _rebuild(store: Store, settings: Settings, asked: str | None) -> int:
    folder, limits = SnapshotFolder(settings.indexes_dir), limits_of(settings)
    size = store.counts().passages
    kind = Kind(asked) if asked else kind_for(size, None, limits)
    if limits.is_measured and not asked:
        kind = IndexKeeper(store, folder, limits).reason_to_build() or Kind.FLAT
    if kind is Kind.FLAT:
        folder.forget_all()
        print(f"{size} passages are searched exactly; no index is needed.")
        return DONE
    shortage = memory_shortage(kind, size, store.dimension, limits)
    if shortage:
        print(f"parley: {shortage}", file=sys.stderr)
        return FAILED
    return _watch(start(order := order_of(store, folder, kind, limits)), order)


def _watch(process: "subprocess.Popen[bytes]", order: BuildOrder) -> int:
    """Show the steps of a build until it ends; who interrupts it ends it."""
    try:
        _show_steps(process, order)
    finally:
        process.kill()
        process.wait()
    told = read_progress(order.folder)
    if process.returncode or told is None or not told.version:
        print(f"parley: {told.error if told else 'the build was ended'}", file=sys.stderr)
        return FAILED
    return _tell(SnapshotFolder(order.folder), told.version)


def _show_steps(process: "subprocess.Popen[bytes]", order: BuildOrder) -> None:
    shown = ""
    while process.poll() is None:
        told = read_progress(order.folder)
        if told and told.process == process.pid and told.step != shown:
            shown = told.step
            print(f"{told.seconds:7.1f} s  {shown}", file=sys.stderr, flush=True)
        time.sleep(POLL_S)


def _tune(store: Store, settings: Settings, recall: float | None) -> int:
    folder = SnapshotFolder(settings.indexes_dir)
    try:
        version = retune(store, folder, recall or settings.index_recall)
    except (RecallNotReachedError, BuildRunningError, RetuneError) as error:
        print(f"parley: {error}", file=sys.stderr)
        return FAILED
    if not version:
        print("No index is published; the store is searched exactly.")
        return DONE
    return _tell(folder, version)


def _tell(folder: SnapshotFolder, version: str) -> int:
    manifest = verify(folder.folder_of(version))
    print(
        f"{version}: {manifest.factory}, {manifest.size} passages, recall@10 "
        f"{manifest.recall_at_10:.3f} with {manifest.queries} queries, nprobe "
        f"{manifest.search.nprobe}, efSearch {manifest.search.ef_search}, p95 {manifest.p95_ms} ms"
    )
    return DONE
