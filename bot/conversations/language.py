"""Which language a citizen writes in: a hint for courtesy, never a gate."""

from intents import language

SURE = 0.8


def hear(text: str, previous: str | None) -> str | None:
    """The language of a text, with the citizen's last one as prior; payloads and single words say nothing."""
    if text.startswith("/") or len(text) < 4:
        return previous
    heard = language.detect(text, previous)
    return heard.code if heard.confidence >= SURE or previous is None else previous
