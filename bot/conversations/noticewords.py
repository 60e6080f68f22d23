"""The words by which citizens ask for notices and stop them: set phrases, read without the engine."""

import json
import re
from dataclasses import dataclass

from bot.conversations.noticedata import Notices, Topic

ASK, END = "/notices_ask", "/notices_end"
"""Payloads of our own buttons."""
LONGEST = 120
_PLEASE = (
    r"(?:(?:tolong|mohon|minta|coba|bisa|bisakah|boleh|saya|aku|sy|mau|ingin|pengen|pingin|min|admin|pak|bu|halo"
    r"|hai|permisi|kak|mas|mbak|lawang|jangan lupa|selalu|ya) )*"
)
_TELL = (
    r"(?:di)?(?:kabar(?:i|in|kan)|beri ?tahu(?:kan)?|kasih ?(?:tahu|tau)|kasi ?(?:tahu|tau)"
    r"|(?:meng)?info(?:in|kan)|ingatkan|ingetin|notif(?:ikasi)?|kandhani|kandani|wartani)"
)
_ME = r"(?: (?:saya|aku|sy|kami|dong|ya|juga|warga|lewat sini|di sini|lewat wa|lewat telegram))*"
_WHEN = (
    r"(?:kalau|kalo|klo|kl|jika|jikalau|bila|apabila|saat|ketika|pas|nek|yen|setiap|tiap)"
    r"(?: (?:ada|sampai|nanti))*"
)
_TOLD_WHEN = re.compile(rf"{_PLEASE}{_TELL}{_ME} {_WHEN} (?P<rest>.+)")
_SUBSCRIBE = re.compile(
    rf"{_PLEASE}(?:(?:ber)?langganan|daftar|subscribe|ikut(?:i)?|terima) "
    r"(?:info|informasi|kabar|berita|pemberitahuan|notifikasi|notif)(?: gangguan)?(?: (?P<rest>.+))?"
)
_ONE_WORD = re.compile(r"(?:stop|berhenti|unsubscribe|unsub|berenti|setop|stop kabar(?: gangguan)?)")
_UNSUBSCRIBE = re.compile(
    rf"{_PLEASE}(?:berhenti|berenti|stop|setop|batal(?:kan|in)?|hentikan|akhiri|cabut|unsubscribe"
    r"|jangan|tidak usah) (?:dari )?(?:(?:ber)?langganan(?: (?:info|kabar|notifikasi|pemberitahuan))?"
    r"|(?:kirim |terima )?(?:info|kabar|notifikasi|pemberitahuan) gangguan)(?: gangguan)?(?: (?P<rest>.+))?"
)
_FILLER = re.compile(r"\b(?:lagi|ya|dong|saya|aku|semua|semuanya|ini|itu|pak|bu|min|terima kasih|makasih)\b")
_MINE = re.compile(
    r"(?:(?:cek|lihat|daftar) )?(?:langganan(?: kabar| info)? (?:saya|aku|sy|ku)|langgananku"
    r"|kabar langganan saya)"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a message asks for: an act and, where said, a topic and the words around it.

    `plain` phrases mean this and nothing else, in any state of the talk. `one_word` may mean what is being
    filled in, or what was just sent.
    """

    act: str
    topic: str | None = None
    rest: str = ""
    plain: bool = True
    one_word: bool = False


def read(text: str, pressed: bool, notices: Notices) -> Wish | None:
    """The wish in a message's words, or in the payload of a pressed button; None for anything else."""
    if not notices.topics or len(text) > LONGEST:
        return None
    if pressed:
        return _press(text, notices)
    words = " ".join(re.sub(r"[^\w\s-]", " ", text.lower()).split())
    if _ONE_WORD.fullmatch(words):
        return Wish("end", plain=False, one_word=True)
    if _MINE.fullmatch(words):
        return Wish("show")
    if found := _UNSUBSCRIBE.fullmatch(words):
        rest = _FILLER.sub("", found["rest"] or "").strip()
        topic = topic_of(rest, notices)
        if rest and topic is None:
            return None
        # "berhenti langganan PDAM" is a wish to the water company as long as nobody asked for news of it.
        return Wish("end", topic.id if topic else None, rest, plain=topic is None)
    if found := _SUBSCRIBE.fullmatch(words):
        rest = found["rest"] or ""
        topic = topic_of(rest, notices)
        # "daftar info lowongan" asks for something else.
        return (
            Wish("ask", topic.id if topic else None, rest)
            if topic or "gangguan" in words or not rest
            else None
        )
    if found := _TOLD_WHEN.fullmatch(words):
        rest = found["rest"]
        topic = topic_of(rest, notices)
        if topic is not None and (topic.alone or _named(rest, notices.signs)):
            return Wish("ask", topic.id, rest, plain=False)
    return None


def topic_of(text: str, notices: Notices) -> Topic | None:
    """The topic whose words come first in a text; the longest name where several begin there."""
    found = [
        (match.start(), -len(word), topic)
        for topic in notices.topics.values()
        for word in topic.words
        if (match := re.search(rf"\b{re.escape(word)}\b", text))
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None


def _named(text: str, words: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)


def _press(payload: str, notices: Notices) -> Wish | None:
    name, _, rest = payload.partition("{")
    if name == ASK and rest:
        topic = json.loads("{" + rest).get("topic")
        return Wish("ask", topic) if topic in notices.topics else None
    return Wish("end") if name == END else None
