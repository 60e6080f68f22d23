"""Courtesies, the menu, and what the bot says about itself."""

import re
from dataclasses import replace
from typing import Any

from actions import reading
from actions.aftercare import means_a_report, waits_for_a_word
from actions.complaints import KEPT
from actions.runtime import runtime
from actions.status import lacks_number
from actions.turn import BY_INTENT, Answer, Turn, button, handles

_NOT_THAT = re.compile(r"\b(?:bukan|bkn|bkan|dudu|sanes|not)\b", re.IGNORECASE)
MENU = ("report", "find", "book_new", "status_menu", "agent")


def menu() -> list[dict[str, Any]]:
    """What one can do here, as buttons that can be pressed again later."""
    return [
        button("button.report", "report_complaint", reusable=True),
        button("button.find", "find_service", reusable=True),
        button("button.book_new", "book_queue", reusable=True),
    ]


def part_of_day(turn: Turn) -> str:
    """Which greeting fits the hour: pagi until 11, siang until 15, sore until 18, malam."""
    hour = turn.now.hour
    return (
        "morning"
        if 4 <= hour < 11
        else "noon"
        if 11 <= hour < 15
        else "afternoon"
        if 15 <= hour < 18
        else "night"
    )


@handles("action_greet", "greet")
async def greet(turn: Turn, answer: Answer) -> None:
    """Greet by the hour, and by the draft that is still open."""
    if turn.form:
        answer.say(f"greeting.short_{part_of_day(turn)}")
    elif turn.slot("complaint_description"):
        answer.say(
            f"greeting.{part_of_day(turn)}",
            buttons=[button("button.resume", "report_complaint"), *menu()[1:]],
        )
    else:
        answer.say(f"greeting.{part_of_day(turn)}", buttons=menu())


@handles("action_say_thanks", "thanks")
async def thanks(turn: Turn, answer: Answer) -> None:
    """You are welcome; *sudah, terima kasih* to a report just said to be done confirms it as well."""
    reference = None if turn.form else waits_for_a_word(turn)
    if reference and any(runtime().words.step(word) == "yes" for word in turn.text.split()[:2]):
        await BY_INTENT["confirm_complaint"](replace(turn, values={"reference": reference}), answer)
        return
    answer.say("form.welcome" if turn.form else "utter_thanks")


@handles("action_say_goodbye", "goodbye")
async def goodbye(turn: Turn, answer: Answer) -> None:
    """Used beside a form; elsewhere the rule answers by itself."""
    answer.say("form.see_you" if turn.form else "utter_goodbye")


@handles("action_refuse_spam", "spam")
async def spam(turn: Turn, answer: Answer) -> None:
    """Used beside a form; elsewhere the rule answers by itself."""
    answer.say("utter_spam")


@handles("action_help", "help")
async def help_menu(turn: Turn, answer: Answer) -> None:
    """Everything one can ask, with an example each."""
    answer.say("help.menu", buttons=menu())


@handles("action_introduce", "bot_identity")
async def introduce(turn: Turn, answer: Answer) -> None:
    """A program, official, and never asking for money or codes."""
    answer.say(
        "identity.who",
        buttons=[button("button.privacy", "privacy_info"), button("button.agent", "talk_to_agent")],
    )


@handles("action_out_of_scope", "out_of_scope")
async def out_of_scope(turn: Turn, answer: Answer) -> None:
    """Not the city's business; say what is. A service that was named all the same is believed more."""
    if reading.service(turn):
        await BY_INTENT["query_data"](turn, answer)
        return
    answer.say("general.out_of_scope", buttons=menu())


@handles("action_calm", "abuse")
async def calm(turn: Turn, answer: Answer) -> None:
    """One calm line and a way on; never a lecture."""
    answer.say(
        "general.calm",
        buttons=[button("button.report", "report_complaint"), button("button.agent", "talk_to_agent")],
    )


@handles("action_cancel", "cancel")
async def cancel(turn: Turn, answer: Answer) -> None:
    """Drop what was asked; nothing runs outside a form but a question, a draft put aside, a report filed."""
    if not turn.slot("asked") and means_a_report(turn):
        await BY_INTENT["withdraw_complaint"](replace(turn, intent="withdraw_complaint"), answer)
        return
    if turn.slot("complaint_description"):
        answer.keep(**dict.fromkeys(KEPT))
        answer.say("complaint.cancelled", buttons=menu())
    else:
        key = "general.cancelled" if turn.slot("asked") else "general.nothing_to_cancel"
        answer.say(key, buttons=[button("button.cancel_booking", "cancel_booking"), *menu()[:2]])
    answer.keep(asked=None)


@handles("action_start_over", "start_over", "restart")
async def start_over(turn: Turn, answer: Answer) -> None:
    """Forget the thread, not the citizen's cases."""
    forget = [name for name, value in turn.slots.items() if value is not None and name != "requested_slot"]
    answer.keep(**dict.fromkeys(forget))
    answer.say("general.start_over", buttons=menu())


@handles("action_go_back", "go_back", "skip")
async def go_back(turn: Turn, answer: Answer) -> None:
    """There is nothing to go back to outside a form."""
    if not lacks_number(turn, answer):
        answer.say("general.nothing_open", buttons=menu())


@handles("action_correct", "correct")
async def correct(turn: Turn, answer: Answer) -> None:
    """A correction outside a form: another service is looked up, anything else is asked for."""
    if reading.services(turn):
        await BY_INTENT["find_service"](replace(turn, intent="find_service"), answer)
        return
    answer.say("general.correct_what", buttons=menu())


@handles("action_agree", "affirm")
async def agree(turn: Turn, answer: Answer) -> None:
    """*Ya* to what was asked last, if anything was."""
    asked = turn.slot("asked")
    if isinstance(asked, dict) and asked.get("intent") in BY_INTENT and not asked.get("wants"):
        answer.keep(asked=None)
        await BY_INTENT[asked["intent"]](
            replace(turn, intent=asked["intent"], values=asked["values"], pressed=True), answer
        )
        return
    if turn.slot("complaint_description"):
        answer.followup = "complaint_form"
        return
    if reference := waits_for_a_word(turn):
        # *Sudah beres?*, asked by itself a while ago, and answered in a word.
        await BY_INTENT["confirm_complaint"](replace(turn, values={"reference": reference}), answer)
        return
    answer.say("general.agreed_to_nothing", buttons=menu())


@handles("action_refuse", "deny")
async def refuse(turn: Turn, answer: Answer) -> None:
    """*Tidak* to what was asked last, or a polite pause."""
    if not turn.slot("asked") and (reference := waits_for_a_word(turn)):
        await BY_INTENT["reopen_complaint"](replace(turn, values={"reference": reference}), answer)
        return
    if lacks_number(turn, answer):
        return
    if not turn.slot("asked") and _NOT_THAT.search(turn.text) and reading.services(turn):
        # *Bukan itu, yang pindah* names what is meant instead.
        await BY_INTENT["find_service"](replace(turn, intent="find_service"), answer)
        return
    answer.say("general.left_as_is" if turn.slot("asked") else "general.fine", buttons=menu())
    answer.keep(asked=None)


@handles("action_choose", "choose")
async def choose(turn: Turn, answer: Answer) -> None:
    """A button of a form that is over."""
    answer.say("general.too_late", buttons=menu())


@handles("action_photo", "send_photo")
async def photo(turn: Turn, answer: Answer) -> None:
    """A photo before any words: keep it, and ask what it shows."""
    kept = [*(turn.slot("loose_photos") or []), *(dict(entry) for entry in turn.photos)][-5:]
    answer.keep(loose_photos=kept)
    answer.say(
        "general.photo_kept",
        buttons=[button("button.report", "report_complaint"), button("button.other", "help")],
    )


@handles("action_location", "send_location")
async def location(turn: Turn, answer: Answer) -> None:
    """A pin before any words: keep it, and ask what is there."""
    if turn.location:
        answer.keep(loose_place={"latitude": turn.location["lat"], "longitude": turn.location["lon"]})
    answer.say(
        "general.pin_kept",
        buttons=[button("button.report", "report_complaint"), button("button.other", "help")],
    )


@handles("action_medical_advice", "ask_medical_advice")
async def medical(turn: Turn, answer: Answer) -> None:
    """No medical advice from a program; where to go instead."""
    number = runtime().fact(turn.tenant, "emergency", "medical", "number") or "119"
    answer.say(
        "general.medical",
        buttons=[button("button.puskesmas", "find_service", service="antrean_puskesmas")],
        number=number,
    )


@handles("action_internal_system", "internal_system")
async def internal(turn: Turn, answer: Answer) -> None:
    """Civil servants' systems are not for citizens."""
    answer.say("internal.declined_general", buttons=menu())


@handles("action_check_hoax", "check_hoax")
async def hoax(turn: Turn, answer: Answer) -> None:
    """No verdict from a program; how to find out."""
    answer.say("general.hoax", buttons=[button("button.agent", "talk_to_agent")])
