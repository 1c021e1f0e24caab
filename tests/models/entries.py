"""Small catalogue entries in the shape of the real ones, and their files on a stand-in hub."""

from models.catalog import Job, ModelEntry, ModelFile, Source

WEIGHTS = bytes(range(256)) * 1200
CONTENTS = {"config.json": b'{"a": 1}', "model.bin": WEIGHTS, "vocabulary.txt": b"one\ntwo\n"}
VOICE = bytes(range(255, -1, -1)) * 100
VOICE_FOLDER = "en/en_US/someone/medium"


def whisper_entry(**changes: ModelFile) -> ModelEntry:
    """Files can be replaced by their name without its suffix: `model=ModelFile(...)`."""
    files = {name.split(".")[0]: ModelFile(name, approximate_bytes=1000) for name in CONTENTS}
    files["model"] = ModelFile("model.bin", approximate_bytes=300_000)
    return ModelEntry(
        name="base.en",
        job=Job.STT,
        source=Source.HUB,
        repo="Someone/whisper-base.en",
        revision="main",
        files=tuple((files | changes).values()),
        licence="MIT",
    )


def voice_entry() -> ModelEntry:
    return ModelEntry(
        name="en_US-someone-medium",
        job=Job.TTS,
        source=Source.HUB,
        repo="someone/voices",
        revision="v1.0.0",
        files=(
            ModelFile(f"{VOICE_FOLDER}/en_US-someone-medium.onnx"),
            ModelFile(f"{VOICE_FOLDER}/en_US-someone-medium.onnx.json"),
        ),
        licence="see MODEL_CARD",
        folder=VOICE_FOLDER,
        opens="en_US-someone-medium.onnx",
    )


def hub_files() -> dict[str, bytes]:
    whisper = {
        f"Someone/whisper-base.en/resolve/main/{name}": content
        for name, content in CONTENTS.items()
    }
    voice = f"someone/voices/resolve/v1.0.0/{VOICE_FOLDER}/en_US-someone-medium.onnx"
    return whisper | {voice: VOICE, f"{voice}.json": b'{"audio": {}}'}
