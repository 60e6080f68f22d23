"""The words by which citizens link their channels: a few set phrases, and codes, read without the engine.

A phrase counts only as a whole message, and only with a channel named in it: *sambungkan saya ke petugas*
is somebody else's business.
"""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from bot.vocabulary.messages import ChannelName

LETTERS = "BCDFGHJKMNPQRSTVWXZ"
"""Of codes: no vowels, so no words; nothing that is read for something else."""
START = "hubung-"
"""What a link t.me/<bot>?start= begins with that carries a code."""
ASK, CONFIRM, END, CARRY = "/link_channels", "/link_confirm", "/unlink_channels", "/carry_on"
"""Payloads of our own buttons."""

_CHANNELS = {
    ChannelName.WHATSAPP: ("whatsapp", "whatsap", "whatshap", "wa"),
    ChannelName.TELEGRAM: ("telegram", "telegrem", "tele", "tg"),
    ChannelName.WEBCHAT: ("obrolan web", "web chat", "webchat", "chat web", "situs web", "website", "web"),
}
_NAMES = {word: channel for channel, words in _CHANNELS.items() for word in words}
_CHANNEL = "|".join(sorted(_NAMES, key=len, reverse=True))
_OTHER = r"(?:kanal|saluran|akun|aplikasi)(?: chat| obrolan)?(?: saya| ?ku)?(?: (?:yang )?lain)?(?:nya)?"
_PLEASE = (
    r"(?:(?:tolong|mohon|minta|coba|bisa|bisakah|boleh|saya|aku|sy|mau|ingin|pengen|pingin|min|pak|bu) )*"
)
_TO = r"(?:(?:chat|obrolan|percakapan|akun|nomor|no|dengan|dg|ke|sama|dari|saya|ini) )*"
_TAIL = r"(?: (?:saya|sy|aku|ku|ini|itu|dong|ya|lain|saya yang lain|juga|dengan ini|ke sini))*"
_ASK = re.compile(
    rf"{_PLEASE}(?:hubung(?:kan|in)|sambung(?:kan|in)|taut(?:kan|in)|kait(?:kan|in)|link(?:kan)?)"
    rf" {_TO}(?:(?P<channel>{_CHANNEL})|{_OTHER}){_TAIL}"
)
_END = re.compile(
    rf"{_PLEASE}(?:putus(?:kan|in)?|lepas(?:kan|in)?|copot|unlink)"
    rf" (?:(?:sambungan|hubungan|tautan|kaitan|link) )?{_TO}(?:(?P<channel>{_CHANNEL})|{_OTHER}){_TAIL}"
)
_CARRY = re.compile(
    rf"{_PLEASE}(?:lanjut(?:kan|in)?|terus(?:kan|in)?|pindah(?:kan|in)?)(?: saja| aja)?"
    r" (?:di|ke) ?sini(?: saja| aja| ya)*"
)
_COMMANDS = {
    "hubungkan": ASK,
    "sambungkan": ASK,
    "putuskan": END,
    "lanjut": CARRY,
    "lanjutkan": CARRY,
}
_CODE = re.compile(rf"\bLW[- ]?([{LETTERS}]{{4}})[- ]?([{LETTERS}]{{4}})\b", re.IGNORECASE)
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Wish:
    """What a message asks for. `plain`: by code, command or button, so also while a person is there."""

    effect: dict[str, Any]
    plain: bool = True


def new_code() -> str:
    """A code to type: LW-BCDF-GHJK, one of 19^8."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"LW-{letters[:4]}-{letters[4:]}"


def new_token() -> str:
    """A code to be carried by a link: 128 bits."""
    return secrets.token_urlsafe(16)


def read(text: str, pressed: bool, linked: bool) -> Wish | None:
    """The wish in a message's raw words, or in the payload of a pressed button; None for anything else."""
    if pressed:
        return _press(text)
    if len(text) <= _LONGEST and (code := _CODE.search(text)):
        return Wish({"type": "link_code_given", "code": f"LW-{code[1]}-{code[2]}".upper()})
    if text.startswith("/"):
        return _command(text)
    words = " ".join(re.sub(r"[^\w\s-]", " ", text.lower()).split())
    if found := _ASK.fullmatch(words):
        return Wish({"type": "link_asked", "channel": _NAMES.get(found["channel"])}, plain=False)
    if linked and (found := _END.fullmatch(words)):
        return Wish({"type": "link_ended", "channel": _NAMES.get(found["channel"])}, plain=False)
    if linked and _CARRY.fullmatch(words):
        return Wish({"type": "talk_carried"}, plain=False)
    return None


def _press(payload: str) -> Wish | None:
    name, _, rest = payload.partition("{")
    if name == CONFIRM:
        return Wish({"type": "link_code_given", "digest": json.loads("{" + rest)["digest"]})
    effects = {ASK: "link_asked", END: "link_ended", CARRY: "talk_carried"}
    return Wish({"type": effects[name]}) if name in effects else None


def _command(text: str) -> Wish | None:
    name, _, rest = text.lstrip("/").partition(" ")
    name, rest = name.partition("@")[0].lower(), rest.strip()
    if name in ("start", "mulai") and rest.startswith(START):
        return Wish({"type": "link_code_given", "code": rest.removeprefix(START), "sure": False})
    payload = _COMMANDS.get(name)
    if payload == ASK:
        return Wish({"type": "link_asked", "channel": _NAMES.get(rest.lower())})
    if payload == END:
        return Wish({"type": "link_ended", "channel": _NAMES.get(rest.lower())})
    return Wish({"type": "talk_carried"}) if payload == CARRY else None
