"""`parley models list | fetch | verify`: what is on this machine, getting more, checking all of it.

It reads no setting itself and loads no model.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from models.catalog import CATALOG, ModelEntry, ModelFile, Source, UnknownModel, find_entry
from models.digest import DigestRecord, hub_key
from models.fetch import fetch_entry
from models.fetch_error import FetchError
from models.locate import Place, Places, Sighting, all_sightings, how_to_get, locate, shown_size

DONE = 0
FAILED = 1
MISUSED = 2

_HEADINGS = ("NAME", "JOB", "SOURCE", "SIZE", "SHA256", "LICENCE", "PRESENT")


class ModelSettings(Protocol):
    """The settings that these commands need."""

    @property
    def data_dir(self) -> Path:
        """Where everything that is kept lies."""

    @property
    def models_dir(self) -> Path:
        """Where fetched weights lie, a folder for each model."""

    @property
    def hub_cache_dir(self) -> Path:
        """The cache of the hub's own client."""

    @property
    def hub_endpoint(self) -> str:
        """The hub's address."""

    @property
    def offline(self) -> bool:
        """Whether the hub must not be looked for."""


def add_models_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `models` and its three commands to the parsers of `parley`."""
    models = subparsers.add_parser(
        "models",
        help="list, fetch and verify the models",
        description="List, fetch and verify the models that Parley can use.",
        epilog="Exit codes: 0 done, 1 something is wrong or failed, 2 wrong use.",
    )
    commands = models.add_subparsers(dest="models_command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="every model, where it is, its size and licence")
    listing.add_argument("--json", action="store_true", help="print one JSON array instead")
    fetching = commands.add_parser("fetch", help="download models from the hub, resuming")
    fetching.add_argument("names", nargs="+", metavar="NAME", help="a name from the list")
    verifying = commands.add_parser("verify", help="hash every file again and compare")
    verifying.add_argument("names", nargs="*", metavar="NAME", help="default: all that are present")


def run_models(
    arguments: argparse.Namespace,
    settings: ModelSettings,
    catalog: Mapping[str, ModelEntry] = CATALOG,
) -> int:
    """Carry out the parsed command and return the exit code."""
    names: Sequence[str] = getattr(arguments, "names", ())
    try:
        entries = [find_entry(name, catalog) for name in dict.fromkeys(names)]
    except UnknownModel as error:
        print(error)
        return MISUSED
    places = places_of(settings)
    if arguments.models_command == "list":
        return _list(catalog.values(), places, as_json=arguments.json)
    if arguments.models_command == "fetch":
        return max(_fetch(entry, settings, places) for entry in entries)
    return _verify(entries, catalog.values(), places)


def places_of(settings: ModelSettings) -> Places:
    """Where the settings say that models may lie."""
    return Places(settings.models_dir, settings.hub_cache_dir)


def _list(entries: Iterable[ModelEntry], places: Places, as_json: bool) -> int:
    found = [(entry, list(all_sightings(entry, places))) for entry in entries]
    record = DigestRecord(places.models_dir)
    if as_json:
        described = [_described(entry, sightings, record) for entry, sightings in found]
        print(json.dumps(described, indent=2))
        return DONE
    rows = [_HEADINGS, *(_row(entry, sightings, record) for entry, sightings in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return DONE


def _row(entry: ModelEntry, sightings: Sequence[Sighting], record: DigestRecord) -> tuple[str, ...]:
    size = shown_size(entry.likely_bytes, entry.size_is_exact)
    digest = _shown_digest(entry, record)
    present = _shown_presence(entry, sightings)
    return (entry.name, entry.job, entry.source, size, digest, entry.licence, present)


def _shown_presence(entry: ModelEntry, sightings: Sequence[Sighting]) -> str:
    usable = next((one.located for one in sightings if not one.problems), None)
    if usable and usable.place is Place.WHEEL:
        return f"yes, wheel {entry.repo}"
    if usable:
        return f"yes, {usable.place}: {usable.path}"
    return "damaged: type parley models verify" if sightings else "no"


def _shown_digest(entry: ModelEntry, record: DigestRecord) -> str:
    """The start of the largest file's sha256."""
    file = max(entry.files, key=lambda one: one.likely_bytes or 0)
    if file.sha256:
        return file.sha256[:12]
    if entry.source is Source.WHEEL:
        return "presence only"
    recorded = record.download(hub_key(entry, file))
    return f"{recorded.sha256[:12]} (recorded)" if recorded else "recorded at first download"


def _described(
    entry: ModelEntry, sightings: Sequence[Sighting], record: DigestRecord
) -> dict[str, Any]:
    usable = next((one.located for one in sightings if not one.problems), None)
    return {
        "name": entry.name,
        "job": entry.job,
        "source": entry.source,
        "repo": entry.repo,
        "revision": entry.revision,
        "size_bytes": entry.likely_bytes,
        "size_is_exact": entry.size_is_exact,
        "licence": entry.licence,
        "note": entry.note,
        "present": usable is not None,
        "place": usable.place if usable else None,
        "path": str(usable.path) if usable else None,
        "problems": [problem for one in sightings for problem in one.problems],
        "files": [_described_file(entry, file, record) for file in entry.files],
    }


def _described_file(entry: ModelEntry, file: ModelFile, record: DigestRecord) -> dict[str, Any]:
    recorded = record.download(hub_key(entry, file))
    return {
        "name": file.name,
        "size_bytes": file.likely_bytes,
        "sha256": file.sha256 or (recorded.sha256 if recorded else None),
        "recorded_at": recorded.when if recorded else None,
    }


def _fetch(entry: ModelEntry, settings: ModelSettings, places: Places) -> int:
    here = locate(entry, places)
    if here:
        print(f"{entry.name} is here already: {here.path} ({here.place})")
        return DONE
    if entry.source is not Source.HUB:
        print(f"{entry.name} is not on the hub. {how_to_get(entry)}")
        return FAILED
    if settings.offline:
        print(f"{entry.name} was not fetched: PARLEY_OFFLINE is set. Unset it to allow the hub.")
        return FAILED
    try:
        path = _fetch_with_bar(entry, settings)
    except FetchError as error:
        print(error)
        return FAILED
    print(f"{entry.name} is ready: {path}")
    return DONE


def _fetch_with_bar(entry: ModelEntry, settings: ModelSettings) -> Path:
    with tqdm(desc=entry.name, unit="B", unit_scale=True, total=entry.likely_bytes) as bar:

        def show(done_bytes: int, total_bytes: int | None) -> None:
            bar.total = total_bytes
            bar.update(done_bytes - bar.n)

        return fetch_entry(entry, settings.models_dir, settings.hub_endpoint, show)


def _verify(named: Sequence[ModelEntry], known: Iterable[ModelEntry], places: Places) -> int:
    codes = [_verify_one(entry, places, is_wanted=bool(named)) for entry in named or known]
    return max(codes, default=DONE)


def _verify_one(entry: ModelEntry, places: Places, is_wanted: bool) -> int:
    sightings = list(all_sightings(entry, places, rehash=True))
    for sighting in sightings:
        state = "damaged" if sighting.problems else "good"
        print(f"{state:8} {entry.name}  {sighting.located.place}: {sighting.located.path}")
        for problem in sighting.problems:
            print(f"         {problem}")
    absent = is_wanted and not sightings
    if absent:
        print(f"absent   {entry.name}")
    if absent or any(sighting.problems for sighting in sightings):
        print(f"         {how_to_get(entry)}")
        return FAILED
    return DONE
