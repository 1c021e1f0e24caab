"""What differs between /ws and /v1/realtime, and for clients that still speak the beta. It sends
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

OWN_PATH = "/ws"
STOCK_PATH = "/v1/realtime"

OWN_MESSAGE_BYTES = 64 * 1024
OWN_QUEUED_MESSAGES = 32
STOCK_MESSAGE_BYTES = 24 * 1024 * 1024
"""16 MiB of audio in base64 is 22.4 MB: what is above the protocol's 15 MiB is told, not closed."""
STOCK_QUEUED_MESSAGES = 4
"""Each may be of the largest size."""
MOST_APPENDED_BYTES = 15 * 1024 * 1024
"""The protocol's limit for the audio of one input_audio_buffer.append."""
STOCK_AHEAD_S = 330.0
"""One append of the largest size: stock clients send whole recordings at once."""
LONGEST_MODEL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to speak the protocol."""

    path: str = OWN_PATH
    is_beta: bool = False
    """Whether the client asked for the beta's names (OpenAI-Beta: realtime=v1)."""
    tells_ours: bool = True
    """Whether events under `parley.` are sent."""
    model: str = "parley"
    """As the client named it: every name is served by the same engines."""
    is_transcription: bool = False

    @property
    def is_stock(self) -> bool:
        """Whether the client may be one that knows the GA protocol and nothing of ours.

        Then audio is base64 in events, response.created comes before the answer is known, every
        response ends with all its `done` events, and a commit alone asks for no response.
        """
        return self.path == STOCK_PATH

    @property
    def message_bytes(self) -> int:
        """The largest message that is read; a larger one closes with 1009."""
        return STOCK_MESSAGE_BYTES if self.is_stock else OWN_MESSAGE_BYTES

    @property
    def ahead_s(self) -> float:
        """Audio that may at least be ahead of the clock before less is read."""
        return STOCK_AHEAD_S if self.is_stock else 0.0

    @property
    def queued_messages(self) -> int:
        """Messages that wait to be read; then the socket is read no further."""
        return STOCK_QUEUED_MESSAGES if self.is_stock else OWN_QUEUED_MESSAGES


OWN = Dialect()


def dialect_of(request_path: str, headers: Mapping[str, str]) -> Dialect:
    """Return what a handshake asks for: by its path, its query, and the beta's header."""
    address = urlsplit(request_path)
    if address.path != STOCK_PATH:
        return OWN
    query = {name: values[-1] for name, values in parse_qs(address.query).items()}
    is_beta = "realtime=v1" in headers.get("OpenAI-Beta", "").replace(" ", "")
    return Dialect(
        STOCK_PATH,
        is_beta=is_beta,
        tells_ours=query.get("parley") == "events",
        model=query.get("model", "parley")[:LONGEST_MODEL_CHARACTERS],
        is_transcription=query.get("intent") == "transcription",
    )
