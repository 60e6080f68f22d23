"""A soak: 20,000 messages of 2,000 citizens: duplicates, shuffles, faults, two kill -9, on each engine.

Once on Telegram, once on WhatsApp, which also reports what became of every message. SOAK_CITIZENS in the
environment makes it smaller, SOAK_CHANNEL (telegram, whatsapp) shorter. What counts is that the first figures
agree.
"""

import asyncio
import itertools
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import engines
from tests.benchmarks.figures import Result, Table, number, quantile
from tests.soak.messengers import CHANNELS
from tests.soak.soaking import Outcome, Plan, soak

EACH = 10


def run() -> Result:
    """Soak on SQLite, and on PostgreSQL with Redis where both answer; two workers each."""
    plan = Plan(citizens=int(os.environ.get("SOAK_CITIZENS", 2_000)), each=EACH)
    only = os.environ.get("SOAK_CHANNEL")
    channels = [only] if only else list(CHANNELS)
    found: dict[str, Outcome] = {}
    for channel, engine in itertools.product(channels, engines.available()):
        plan.messenger = CHANNELS[channel]
        redis = engine == "postgresql" and engines.redis_answers()
        with (
            TemporaryDirectory(prefix="lawang-soak-") as folder,
            engines.fresh_database(engine, Path(folder)) as url,
        ):
            environment = {"REDIS_URL": engines.REDIS if redis else ""}
            name = f"{plan.messenger.name}, {engine}{' + Redis' if redis else ''}"
            found[name] = asyncio.run(soak(Path(folder), plan, environment, url))
    return Result("soak", [_table(plan, found)], {name: asdict(one) for name, one in found.items()})


def _table(plan: Plan, found: dict[str, Outcome]) -> Table:
    rows = [
        [what, *(str(getattr(one, field)) for one in found.values())]
        for what, field in (
            ("messages", "messages"),
            ("answered", "answered"),
            ("did not arrive", "lost"),
            ("listed as unknown", "unknown"),
            ("out of order", "disordered"),
            ("answers that arrived twice", "doubled"),
            ("reported as delivered", "delivered"),
            ("webhook calls, duplicates with them", "deliveries"),
            ("webhook calls with reports", "reports"),
            ("calls that a killed door left open", "redelivered"),
            ("failed at the peer (429, 500, 502)", "faults"),
            ("kill -9", "kills"),
        )
    ]
    for what, share in (("acknowledged p50, ms", 0.5), ("acknowledged p99, ms", 0.99)):
        rows.append([what, *(number(1000 * quantile(one.acknowledged, share)) for one in found.values())])
    rows.append(["answered a second", *(number(one.messages / one.seconds) for one in found.values())])
    note = (
        f"{plan.citizens} citizens, {plan.at_once} webhook calls at once, {plan.workers} workers, scripted"
        " dialogue. An answer can arrive twice on Telegram if its call was under way when its worker was"
        " killed: it cannot be asked. WhatsApp reports, also on what it took and answered with 500 or 502."
    )
    return Table("Soak", ["", *found], rows, note)
