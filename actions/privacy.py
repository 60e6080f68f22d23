"""The citizen's own data: what is stored, a copy, an end to it; and the language of greetings."""

from actions.effects import DataErasureRequested, DataExportRequested, LanguageChosen
from actions.turn import Answer, Turn, button, handles

LANGUAGES = ("id", "jv", "en")


@handles("action_privacy_info", "privacy_info")
async def info(turn: Turn, answer: Answer) -> None:
    """What is stored, why, and the two rights one can use here."""
    answer.say(
        "privacy.info",
        buttons=[
            button("button.export", "export_my_data"),
            button("button.erase", "delete_my_data"),
            button("button.link_channels", "link_channels"),
        ],
    )


@handles("action_export_data", "export_my_data")
async def export(turn: Turn, answer: Answer) -> None:
    """Ask for the file; the front door sends it with a word."""
    answer.effect(DataExportRequested())


@handles("action_delete_data", "delete_my_data")
async def delete(turn: Turn, answer: Answer) -> None:
    """Ask once, say what stays, then ask for the erasure."""
    if turn.values.get("sure"):
        answer.effect(DataErasureRequested())
        answer.keep(
            **dict.fromkeys(
                name for name, value in turn.slots.items() if value is not None and name != "requested_slot"
            )
        )
        answer.say("privacy.erased")
        return
    answer.keep(asked={"intent": "delete_my_data", "values": {"sure": "yes"}})
    answer.say(
        "privacy.erase_sure",
        buttons=[
            button("button.yes_erase", "delete_my_data", sure="yes"),
            button("button.keep_data", "deny"),
        ],
    )


@handles("action_change_language", "change_language")
async def language(turn: Turn, answer: Answer) -> None:
    """Remember the language of greetings; say honestly that answers stay Indonesian."""
    chosen = str(turn.values.get("language") or "") or _named(turn.text)
    if chosen in LANGUAGES:
        answer.effect(LanguageChosen(chosen))
        answer.say(f"language.chosen_{chosen}")
        return
    answer.say(
        "language.ask",
        buttons=[button(f"button.language_{code}", "change_language", language=code) for code in LANGUAGES],
    )


def _named(text: str) -> str:
    lowered = text.lower()
    names = {"jv": ("jawa", "jowo"), "en": ("english", "inggris"), "id": ("indonesia",)}
    return next((code for code, words in names.items() if any(word in lowered for word in words)), "")
