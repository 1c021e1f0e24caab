"""Searches the settings of the published index again, say for another recall. It builds nothing."""

import os
from dataclasses import replace

import faiss
import numpy as np

from rag.index_build import RecallNotReachedError
from rag.index_kinds import Kind, Plan
from rag.index_tune import proofs_for, tune
from rag.snapshot import FILE_NAMES, Snapshot
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from rag.store_vectors import copy_vectors


class RetuneError(Exception):
    """The published index cannot be tuned; the text says what to do."""


def retune(store: Store, folder: SnapshotFolder, recall: float) -> str:
    """Publish the same index with the cheapest settings that reach `recall`; "" without an index.

    Raises RetuneError, RecallNotReachedError, BuildRunningError, or OSError by the disk.
    """
    snapshot = folder.open_newest().snapshot
    if snapshot is None:
        return ""
    with folder.building() as work:
        scratch = work / "vectors.f32"
        everything = copy_vectors(store, scratch, lambda done, total: None)
        count = snapshot.manifest.size
        if not np.array_equal(everything.ids[:count], snapshot.ids):
            raise RetuneError("Passages were removed since: parley index rebuild")
        vectors = everything.vectors[:count]
        proofs = proofs_for(vectors, vectors[:0], recall)
        index = faiss.read_index(str(folder.folder_of(snapshot.version) / FILE_NAMES[0]))
        tuned = tune(index, _plan_of(snapshot), vectors, proofs, recall)
        if tuned.recall < recall:
            raise RecallNotReachedError(
                f"{snapshot.manifest.factory} reaches a recall@10 of {tuned.recall:.3f} at most, "
                f"{recall:g} is asked for"
            )
        scratch.unlink()
        for name in FILE_NAMES:
            os.link(folder.folder_of(snapshot.version) / name, work / name)
        manifest = replace(
            snapshot.manifest,
            search=tuned.search,
            recall_at_10=round(tuned.recall, 4),
            queries=sum(len(proof.queries) for proof in proofs),
            p95_ms=round(tuned.p95_ms, 3),
        )
        return folder.publish(work, manifest)


def _plan_of(snapshot: Snapshot) -> Plan:
    manifest = snapshot.manifest
    cells = 0
    if manifest.kind is Kind.IVF:
        cells = int(manifest.factory.removeprefix("IVF").partition(",")[0])
    return Plan(manifest.kind, manifest.storage, manifest.factory, cells)
