"""A small soak on every engine; `lawang bench soak` is the large one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests import engines
from tests.soak.messengers import CHANNELS
from tests.soak.soaking import Outcome, Plan, soak

SMALL = Plan(citizens=50, each=4)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("engine", engines.available())
def test_every_message_is_answered_once_and_in_order_though_processes_die(
    engine: str, channel: str, tmp_path: Path
) -> None:
    plan = replace(SMALL, messenger=CHANNELS[channel])
    environment = {"REDIS_URL": engines.REDIS if engine == "postgresql" and engines.redis_answers() else ""}
    with engines.fresh_database(engine, tmp_path) as url:
        outcome = asyncio.run(soak(tmp_path, plan, environment, url))
    _holds(outcome)
    if channel == "whatsapp":
        assert outcome.doubled == 0, "a report names the message whose call was cut off"
        assert outcome.delivered == outcome.answered == outcome.messages


def _holds(outcome: Outcome) -> None:
    assert outcome.kills == SMALL.kills
    assert outcome.left == 0
    # A call that broke off is never repeated by itself: it is listed as unknown, not lost without a trace.
    assert outcome.lost <= outcome.unknown
    assert outcome.answered + outcome.lost == outcome.messages
    assert outcome.disordered == 0
    # A bubble whose call was under way when its worker was killed: Telegram cannot be asked whether it came.
    assert outcome.doubled <= outcome.in_flight
    assert outcome.faults > 0
