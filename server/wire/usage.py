"""Tokens of a response, for clients that count them. Estimates by the protocol's own rates.

Text is taken as four characters a token; the protocol counts heard audio as ten tokens a second and
spoken as twenty.
"""

from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 4
HEARD_TOKENS_PER_S = 10
SPOKEN_TOKENS_PER_S = 20


def text_tokens(text: str) -> int:
    """Return the tokens of a text, none for an empty one."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one response took in and gave."""

    asked: str = ""
    heard_s: float = 0.0
    said: str = ""
    spoken_s: float = 0.0

    def wire(self) -> dict[str, object]:
        """Return the `usage` object."""
        heard = round(self.heard_s * HEARD_TOKENS_PER_S)
        spoken = round(self.spoken_s * SPOKEN_TOKENS_PER_S)
        asked = 0 if self.heard_s else text_tokens(self.asked)
        said = text_tokens(self.said)
        none = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        return {
            "total_tokens": asked + heard + said + spoken,
            "input_tokens": asked + heard,
            "output_tokens": said + spoken,
            "input_token_details": {
                "text_tokens": asked,
                "audio_tokens": heard,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": none,
            },
            "output_token_details": {"text_tokens": said, "audio_tokens": spoken},
        }
