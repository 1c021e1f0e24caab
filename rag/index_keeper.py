"""Keeps the searched index fit: opens the published one, has another built when due, swaps it in.

It is looked after by one thread that calls look(), while others search; it builds nothing itself.
"""

import logging
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from rag.embedding import Vectors
from rag.index_kinds import (
    TOMBSTONE_SHARE,
    IndexLimits,
    Kind,
    delta_limit,
    kind_for,
)
from rag.index_live import IndexState, LiveIndex
from rag.index_measure import flat_limits
from rag.index_memory import memory_shortage
from rag.index_process import BuildOrder, BuildProgress, read_progress, start
from rag.index_tune import LEAST_PAST_QUERIES
from rag.snapshot import Manifest, Snapshot, SnapshotDamagedError, open_snapshot
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.store_vectors import highest_passage_id, store_identity

log = logging.getLogger(__name__)

StartBuild = Callable[[BuildOrder], "subprocess.Popen[bytes]"]

RETRY_GROWTH = 0.1
"""A build that failed is tried again when the corpus has changed by this share."""


class Topic(StrEnum):
    """What an alert is about; a new one takes the place of the old one of its topic."""

    DAMAGE = "damage"
    BUILD = "build"
    MEMORY = "memory"


@dataclass(slots=True)
class IndexKeeper:
    """One per server. `index` is searched by any thread; look() is for one at a time."""

    store: Store
    folder: SnapshotFolder
    limits: IndexLimits
    start_build: StartBuild = start
    index: LiveIndex = field(init=False)
    _alerts: dict[str, str] = field(default_factory=dict)
    _build: "subprocess.Popen[bytes] | None" = None
    _known_kind: Kind | None = None
    """What the bounds are widened around; None until the index was fit once."""
    _refused: str = ""
    """The version that was found damaged or of another store, so as not to read it each second."""
    _failed_at: int = -1
    """Passages when a build failed; -1 where none has."""

    def __post_init__(self) -> None:
        self.limits = flat_limits(self.limits, self.store.dimension)
        opened = self.folder.open_newest(self._misfit)
        self._note_damage(opened.damaged, opened.snapshot)
        self._refused = self.folder.current()
        self.index = LiveIndex(self.store, opened.snapshot)
        if opened.snapshot is not None:
            self._known_kind = opened.snapshot.manifest.kind

    @property
    def alerts(self) -> tuple[str, ...]:
        """What an operator should know, a sentence each."""
        return tuple(self._alerts.values())

    @property
    def progress(self) -> BuildProgress | None:
        """Of the build that runs, here or in another process; None while none does."""
        told = read_progress(self.folder.path)
        return told if told and told.is_running else None

    @property
    def is_busy(self) -> bool:
        """Whether a build runs whose index is not searched yet."""
        return self._build is not None

    def look(self) -> bool:
        """Take in what is new, swap, or start a build; tell whether another index is searched."""
        before = self.index.state.snapshot
        self.index.refresh()
        self._collect_build()
        self._adopt_published()
        self.index.put_in_cells()
        reason = self.reason_to_build()
        if reason is None:
            self._known_kind = self.index.state.kind
        else:
            self._act(reason)
        return self.index.state.snapshot is not before

    def close(self) -> None:
        """Stop a build; nothing of it stays."""
        if self._build is not None:
            self._build.kill()
            self._build.wait()
            self._build = None

    def wait_for_build(self, timeout_s: float) -> None:
        """Wait until the build that look() started has ended. Raises subprocess.TimeoutExpired."""
        if self._build is not None:
            self._build.wait(timeout_s)

    def reason_to_build(self) -> Kind | None:
        """The kind that should be built now, if any: FLAT means that no snapshot is needed."""
        state = self.index.state
        wanted = kind_for(state.size, self._known_kind, self.limits)
        if state.snapshot is None:
            is_full_of_dead = len(state.delta.removed) > TOMBSTONE_SHARE * max(1, state.delta.size)
            return wanted if wanted is not Kind.FLAT or is_full_of_dead else None
        is_fit = wanted in (state.kind, state.snapshot.manifest.asked) or (
            self.limits.is_measured and Kind.FLAT not in (wanted, state.kind)
        )
        is_dead = state.dead_count >= TOMBSTONE_SHARE * state.snapshot_size
        is_grown = state.delta.size > delta_limit(state.snapshot_size, self.limits)
        return wanted if is_dead or is_grown or not is_fit else None

    def _act(self, wanted: Kind) -> None:
        if wanted is Kind.FLAT:
            self.index.adopt(None)
            self.folder.forget_all()
            self._known_kind = Kind.FLAT
            return
        size = self.index.state.size
        if self._build is not None or self.progress is not None:
            return
        if self._failed_at >= 0 and abs(size - self._failed_at) <= RETRY_GROWTH * self._failed_at:
            return
        shortage = memory_shortage(wanted, size, self.store.dimension, self.limits)
        self._set_alert(Topic.MEMORY, shortage)
        if shortage:
            return
        log.info("building an index of kind %s for %d passages", wanted, size)
        asked = self.index.asked()
        self._build = self.start_build(
            order_of(self.store, self.folder, wanted, self.limits, asked)
        )

    def _collect_build(self) -> None:
        if self._build is None or self._build.poll() is None:
            return
        code, self._build = self._build.returncode, None
        told = read_progress(self.folder.path)
        if code == 0:
            self._failed_at = -1
            self._set_alert(Topic.BUILD, "")
            return
        self._failed_at = self.index.state.size
        why = told.error if told and told.error else f"the process ended with {code}"
        self._set_alert(
            Topic.BUILD,
            f"No new index was published: {why}. The present one ({self.index.kind}) stays. "
            "To try again: parley index rebuild",
        )

    def _adopt_published(self) -> None:
        """Take the version that the pointer names, whoever built it."""
        current = self.folder.current()
        searched = self.index.state.snapshot
        if not current or current in (self._refused, searched.version if searched else ""):
            return
        self._refused = current
        try:
            snapshot = open_snapshot(self.folder.folder_of(current))
        except SnapshotDamagedError as error:
            self._note_damage((str(error),), searched)
            return
        misfit = self._misfit(snapshot.manifest)
        if misfit:
            self._note_damage((f"{current}: {misfit}",), searched)
            return
        self.index.adopt(snapshot)
        self._known_kind = snapshot.manifest.kind
        self._failed_at = -1
        for settled in (Topic.DAMAGE, Topic.BUILD):
            self._set_alert(settled, "")
        log.info("index %s is searched now: %s", current, snapshot.manifest.factory)

    def _misfit(self, manifest: Manifest) -> str:
        """Why a snapshot that is whole does not go with this store; "" when it does."""
        if manifest.fingerprint != self.store.fingerprint:
            return f"it was made with the embedder {manifest.fingerprint}"
        if manifest.dimension != self.store.dimension:
            return f"its vectors have {manifest.dimension} values"
        if manifest.store_identity != store_identity(self.store):
            return "it was made from another store"
        is_later = manifest.generation > self.store.generation()
        if is_later or manifest.last_passage_id > highest_passage_id(self.store):
            return "it was made from a later state of the store"
        return ""

    def _note_damage(self, damaged: tuple[str, ...], served: Snapshot | None) -> None:
        what = f"version {served.version}" if served else "exact search"
        text = (
            f"An index cannot be used ({'; '.join(damaged)}); {what} serves instead. "
            "To build it anew: parley index rebuild"
        )
        self._set_alert(Topic.DAMAGE, text if damaged else "")

    def _set_alert(self, topic: str, text: str) -> None:
        before = self._alerts.get(topic)
        # What memory is left changes with every look.
        if text and before != text and not (before and topic == Topic.MEMORY):
            log.warning("%s", text)
        if text:
            self._alerts[topic] = text
        else:
            self._alerts.pop(topic, None)


def order_of(
    store: Store,
    folder: SnapshotFolder,
    kind: Kind,
    limits: IndexLimits,
    past_queries: Vectors | None = None,
) -> BuildOrder:
    """What a building process is told; enough past queries are put where it finds them."""
    path: Path | None = None
    if past_queries is not None and len(past_queries) >= LEAST_PAST_QUERIES:
        folder.path.mkdir(parents=True, exist_ok=True)
        path = folder.path.resolve() / "past-queries.npy"
        np.save(path, past_queries)
    return BuildOrder(
        Path(store.path).resolve(),
        store.fingerprint,
        store.dimension,
        folder.path.resolve(),
        kind,
        limits,
        path,
    )


def state_lines(state: IndexState) -> dict[str, object]:
    """What /stats and `parley index status` tell of the searched index."""
    told: dict[str, object] = {
        "kind": str(state.kind),
        "passages": state.size,
        "generation": state.generation,
        "delta": state.delta.live,
        "tombstones": state.dead_count + len(state.delta.removed),
        "snapshot": None,
    }
    if state.snapshot is not None:
        manifest = state.snapshot.manifest
        told["snapshot"] = {
            "version": state.snapshot.version,
            "factory": manifest.factory,
            "storage": str(manifest.storage),
            "nprobe": manifest.search.nprobe,
            "ef_search": manifest.search.ef_search,
            "rerank": manifest.search.rerank,
            "size": manifest.size,
            "generation": manifest.generation,
            "recall_at_10": manifest.recall_at_10,
            "queries": manifest.queries,
            "p95_ms": manifest.p95_ms,
            "build_cpu_s": manifest.build_cpu_s,
        }
    return told
