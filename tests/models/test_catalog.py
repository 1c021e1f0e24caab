"""The catalogue, and finding its models: given, in the models folder, cached, in a wheel."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from models.catalog import CATALOG, Job, ModelEntry, ModelFile, Source, UnknownModel, find_entry
from models.digest import DigestRecord, hub_key
from models.locate import (
    ModelUnusable,
    Place,
    Places,
    all_sightings,
    how_to_get,
    locate,
    require,
    resolve,
    shown_size,
)
from tests.models.entries import CONTENTS, VOICE, WEIGHTS, voice_entry, whisper_entry
from tests.models.hub import sha256

UNSAFE_NAMES = ("../up", "/etc/x", "a/../../b", "a//b", ".hidden", "a\\..\\b", "", "a b", "a\n")


def fill(folder: Path, contents: dict[str, bytes] | None = None) -> Path:
    folder.mkdir(parents=True)
    for name, content in (CONTENTS if contents is None else contents).items():
        (folder / name).write_bytes(content)
    return folder


def fill_cache(cache: Path, commit: str = "0123abcd") -> Path:
    """Lay the model out as the hub's own client does: links named by commit, blobs by hash."""
    root = cache / "models--Someone--whisper-base.en"
    snapshot = root / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    (root / "blobs").mkdir()
    for name, content in CONTENTS.items():
        blob = root / "blobs" / sha256(content)
        blob.write_bytes(content)
        (snapshot / name).symlink_to(blob)
    return snapshot


def no_package(name: str) -> Path | None:
    return None


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "models", tmp_path / "cache", find_package=no_package)


def sha_of_model(places: Places, sha: str) -> None:
    """Record a download, as a fetch does."""
    entry = whisper_entry()
    record = DigestRecord(places.models_dir)
    file = next(file for file in entry.files if file.name == "model.bin")
    record.record_download(hub_key(entry, file), sha, len(WEIGHTS))
    record.save()


@pytest.mark.parametrize("entry", CATALOG.values(), ids=list(CATALOG))
def test_every_entry_is_complete(entry: ModelEntry) -> None:
    """An entry names its licence and size; a hub file claims no sha256 that nobody computed."""
    assert entry.licence
    assert entry.likely_bytes
    assert not entry.opens or entry.opens in map(entry.local_name, entry.files)
    assert bool(entry.package) == (entry.source is Source.WHEEL)
    if entry.source is Source.HUB:
        assert [file.sha256 for file in entry.files] == [None] * len(entry.files)


@pytest.mark.parametrize(
    "entry",
    [one for one in CATALOG.values() if one.source is Source.WHEEL],
    ids=lambda one: one.name,
)
def test_the_wheels_carry_what_the_catalogue_says(entry: ModelEntry, tmp_path: Path) -> None:
    """The embedded models are installed and are byte for byte those of the catalogue."""
    located = require(entry, Places(tmp_path))
    assert located.place is Place.WHEEL
    assert located.path.exists()


def test_the_names_that_the_settings_use_exist() -> None:
    """The default model and voice are known; an unknown name is told which are."""
    assert find_entry("base.en").job is Job.STT
    assert find_entry("en_US-lessac-medium").opens == "en_US-lessac-medium.onnx"
    with pytest.raises(UnknownModel, match=r"large.*Known are: .*base\.en"):
        find_entry("large")


@pytest.mark.parametrize("name", UNSAFE_NAMES)
def test_no_name_leaves_its_folder(name: str) -> None:
    """Path traversal is impossible in file, model, repository and revision names."""
    with pytest.raises(ValueError, match="no plain relative name"):
        ModelFile(name)
    for part in ("name", "repo", "revision"):
        with pytest.raises(ValueError, match="no plain relative name"):
            dataclasses.replace(whisper_entry(), **{part: name})  # type: ignore[arg-type]


def test_a_file_belongs_to_its_models_folder() -> None:
    """A file outside the model's part of the repository is refused, and so is an empty model."""
    with pytest.raises(ValueError, match="other/x"):
        ModelEntry(
            "m", Job.STT, Source.HUB, "a/b", "main", (ModelFile("other/x"),), "MIT", folder="mine"
        )
    with pytest.raises(ValueError, match="at least one file"):
        dataclasses.replace(whisper_entry(), files=())


def test_nothing_is_found_on_a_bare_machine(places: Places) -> None:
    """An absent model is None, and as an error names its size and the command; nothing is made."""
    assert locate(whisper_entry(), places) is None
    with pytest.raises(ModelUnusable) as caught:
        require(whisper_entry(), places)
    assert "about 0.3 MB" in str(caught.value)
    assert "parley models fetch base.en" in str(caught.value)
    assert not places.models_dir.exists()


def test_the_models_folder_comes_before_the_cache(places: Places, tmp_path: Path) -> None:
    """The order of precedence: given, models folder, hub cache."""
    snapshot = fill_cache(tmp_path / "cache")
    cached = locate(whisper_entry(), places)
    assert cached
    assert (cached.place, cached.path) == (Place.HUB_CACHE, snapshot)

    own = fill(places.models_dir / "base.en")
    found = locate(whisper_entry(), places)
    assert found
    assert (found.place, found.path) == (Place.MODELS_DIR, own)

    given = fill(tmp_path / "mine")
    chosen = locate(whisper_entry(), dataclasses.replace(places, given={"base.en": given}))
    assert chosen
    assert (chosen.place, chosen.path) == (Place.GIVEN, given)


def test_a_given_path_is_the_only_one(places: Places, tmp_path: Path) -> None:
    """A wrong path is an error, never silently something else."""
    fill(places.models_dir / "base.en")
    given = dataclasses.replace(places, given={"base.en": tmp_path / "nowhere"})
    with pytest.raises(ModelUnusable, match=r"nowhere/config\.json is missing"):
        require(whisper_entry(), given)


def test_a_given_voice_may_have_any_name(places: Places, tmp_path: Path) -> None:
    """An .onnx file of one's own is taken when its .onnx.json lies beside it."""
    mine = fill(tmp_path / "mine", {"tone.onnx": VOICE}) / "tone.onnx"
    given = dataclasses.replace(places, given={"en_US-someone-medium": mine})
    with pytest.raises(ModelUnusable, match=r"tone\.onnx\.json is missing"):
        require(voice_entry(), given)
    mine.with_name("tone.onnx.json").write_text("{}")
    assert require(voice_entry(), given).path == mine


def test_a_setting_is_a_name_or_a_path(places: Places, tmp_path: Path) -> None:
    """`base.en` means the catalogue's; a path means that folder or file, and a typo is named."""
    with pytest.raises(ModelUnusable, match=r"fetch base\.en"):
        resolve("base.en", Job.STT, places)
    contents = CONTENTS | {"tokenizer.json": b"{}"}
    assert resolve(str(fill(tmp_path / "w", contents)), Job.STT, places).place is Place.GIVEN
    voice = fill(tmp_path / "v", {"a.onnx": b"x", "a.onnx.json": b"{}"}) / "a.onnx"
    assert resolve(str(voice), Job.TTS, places).path == voice
    with pytest.raises(ModelUnusable, match="Check the path"):
        resolve("./nowhere", Job.STT, places)
    with pytest.raises(UnknownModel):
        resolve("base.eng", Job.STT, places)


@pytest.mark.parametrize("name", list(CONTENTS))
def test_a_model_without_one_file_is_absent(name: str, places: Places) -> None:
    """A missing or empty file is named with its path."""
    path = fill(places.models_dir / "base.en") / name
    path.write_bytes(b"")
    with pytest.raises(ModelUnusable, match=f"{name} is empty"):
        require(whisper_entry(), places)
    path.unlink()
    with pytest.raises(ModelUnusable, match=f"{name} is missing"):
        require(whisper_entry(), places)


def test_a_cut_file_is_named_with_its_size(places: Places) -> None:
    """An exact size of the catalogue is compared before anything is hashed."""
    entry = whisper_entry(model=ModelFile("model.bin", len(WEIGHTS), sha256(WEIGHTS)))
    fill(places.models_dir / "base.en", CONTENTS | {"model.bin": WEIGHTS[:-1]})
    with pytest.raises(ModelUnusable, match=f"{len(WEIGHTS) - 1} bytes, expected {len(WEIGHTS)}"):
        require(entry, places)


def test_a_wrong_hash_is_named(places: Places) -> None:
    """Both hashes are in the text."""
    entry = whisper_entry(model=ModelFile("model.bin", None, sha256(WEIGHTS)))
    fill(places.models_dir / "base.en", CONTENTS | {"model.bin": b"other"})
    with pytest.raises(ModelUnusable) as caught:
        require(entry, places)
    assert f"has sha256 {sha256(b'other')}, expected {sha256(WEIGHTS)}" in str(caught.value)


def test_a_damaged_copy_does_not_hide_a_good_one(places: Places, tmp_path: Path) -> None:
    """The next place is taken; both are seen by `verify`."""
    sha_of_model(places, sha256(WEIGHTS))
    fill(places.models_dir / "base.en", CONTENTS | {"model.bin": b"damaged"})
    fill_cache(tmp_path / "cache")
    located = locate(whisper_entry(), places)
    assert located
    assert located.place is Place.HUB_CACHE
    states = [bool(one.problems) for one in all_sightings(whisper_entry(), places)]
    assert states == [True, False]


def test_a_change_of_a_recorded_file_is_caught(places: Places) -> None:
    """What was downloaded once is compared ever after, though the catalogue has no sha256."""
    sha_of_model(places, sha256(WEIGHTS))
    path = fill(places.models_dir / "base.en") / "model.bin"
    assert locate(whisper_entry(), places)
    path.write_bytes(WEIGHTS[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelUnusable, match=sha256(WEIGHTS)):
        require(whisper_entry(), places)


def test_a_hand_placed_model_is_recorded_when_first_seen(places: Places) -> None:
    """It is compared with that from then on, but it never decides what a download must be."""
    path = fill(places.models_dir / "base.en") / "model.bin"
    assert locate(whisper_entry(), places)
    path.write_bytes(b"other")
    assert locate(whisper_entry(), places) is None
    assert json.loads((places.models_dir / "recorded.json").read_bytes())["downloads"] == {}


def test_a_hash_is_remembered_and_verify_does_not_believe_it(places: Places) -> None:
    """Same size and time stand for the hash at a start; a rehash finds what they hide."""
    path = fill(places.models_dir / "base.en") / "model.bin"
    assert locate(whisper_entry(), places)
    facts = path.stat()
    path.write_bytes(WEIGHTS[::-1])
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert locate(whisper_entry(), places)
    (sighting,) = all_sightings(whisper_entry(), places, rehash=True)
    assert "model.bin has sha256" in sighting.problems[0]
    assert locate(whisper_entry(), places) is None


def test_a_damaged_blob_of_the_cache_is_caught(places: Places, tmp_path: Path) -> None:
    """The hub's client names large blobs by their sha256, which is compared."""
    snapshot = fill_cache(tmp_path / "cache")
    (snapshot / "model.bin").resolve().write_bytes(b"cut")
    with pytest.raises(
        ModelUnusable, match=rf"model\.bin has sha256 .* expected {sha256(WEIGHTS)}"
    ):
        require(whisper_entry(), places)


@pytest.mark.parametrize("commit", ["../../../../elsewhere", "", "absent"])
def test_a_strange_cache_is_ignored(commit: str, places: Places, tmp_path: Path) -> None:
    """A ref that leads out of the cache or nowhere is no model."""
    snapshot = fill_cache(tmp_path / "cache")
    fill(tmp_path / "elsewhere")
    (snapshot.parents[1] / "refs" / "main").write_text(commit)
    assert locate(whisper_entry(), places) is None


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"{}", b'{"downloads": {"a": 1}, "seen": {}, "hashed": {}}', b"\xff"],
)
def test_a_damaged_record_is_set_aside(damage: bytes, places: Places) -> None:
    """Models are still found; the damaged file is kept for a look."""
    fill(places.models_dir / "base.en")
    (places.models_dir / "recorded.json").write_bytes(damage)
    assert locate(whisper_entry(), places)
    assert (places.models_dir / "recorded.damaged").read_bytes() == damage
    assert json.loads((places.models_dir / "recorded.json").read_bytes())["hashed"]


def test_two_processes_may_write_the_record(places: Places) -> None:
    """What another process added meanwhile is kept."""
    first, second = DigestRecord(places.models_dir), DigestRecord(places.models_dir)
    first.record_download("one", "1", 1)
    second.record_download("two", "2", 2)
    first.save()
    second.save()
    merged = DigestRecord(places.models_dir)
    assert merged.download("one")
    assert merged.download("two")


def test_a_record_that_cannot_be_written_is_no_error(places: Places) -> None:
    """A models folder that cannot be written only costs the time of hashing again."""
    (places.models_dir.parent / "file").touch()
    blocked = places.models_dir.parent / "file" / "models"
    assert locate(whisper_entry(), dataclasses.replace(places, models_dir=blocked)) is None
    assert locate(find_entry("silero-vad"), Places(blocked))


def test_the_way_to_get_a_model_is_a_line_to_type() -> None:
    """Hub models are fetched, wheels installed."""
    assert how_to_get(find_entry("base.en")) == "Type: parley models fetch base.en"
    assert "pip install" in how_to_get(find_entry("silero-vad"))


@pytest.mark.parametrize(
    ("size_bytes", "is_exact", "shown"),
    [(None, True, "size unknown"), (147_754_200, False, "about 147.8 MB"), (612, True, "0.6 kB")],
)
def test_sizes_are_for_people(size_bytes: int | None, is_exact: bool, shown: str) -> None:
    """Approximate sizes say so."""
    assert shown_size(size_bytes, is_exact) == shown
