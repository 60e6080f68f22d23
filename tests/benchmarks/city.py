"""A city system that reports: signed webhooks to a front door of this process, at a pace or at full speed.

`python -m tests.benchmarks.city` reads one JSON object: references, events, per_second (0: no pace), at_once.
It prints when each event was sent, by the machine's clock, and how long all of them took. The worker that
delivers is another process, as in a city.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from bot import settings
from bot.app import create_app
from bot.door import open_door
from connectors.updates import signed_headers

APP, SECRET = "curhat_ning_ita", "rahasia-untuk-ukur"


async def main(wanted: dict[str, Any]) -> dict[str, Any]:
    """Send every event; when each was sent and the seconds all took."""
    async with open_door(settings.load()) as door:
        app = create_app(door.settings, door)
        app.state.door = door
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://kota.test") as client:
            sent: dict[str, float] = {}
            started = time.perf_counter()
            if wanted["per_second"]:
                await _at_a_pace(client, wanted, sent)
            else:
                left = iter(range(wanted["events"]))
                await asyncio.gather(*(_in_a_row(client, wanted, left) for _ in range(wanted["at_once"])))
            return {"sent": sent, "seconds": time.perf_counter() - started}


async def _at_a_pace(client: httpx.AsyncClient, wanted: dict[str, Any], sent: dict[str, float]) -> None:
    begun, calls = time.perf_counter(), []
    for event in range(wanted["events"]):
        await asyncio.sleep(max(0.0, begun + event / wanted["per_second"] - time.perf_counter()))
        note = f"catatan-{event}."
        sent[note] = time.perf_counter()
        calls.append(asyncio.create_task(_post(client, wanted, event, note)))
    await asyncio.gather(*calls)


async def _in_a_row(client: httpx.AsyncClient, wanted: dict[str, Any], left: Iterator[int]) -> None:
    for event in left:
        await _post(client, wanted, event, f"n{event}")


async def _post(client: httpx.AsyncClient, wanted: dict[str, Any], event: int, note: str) -> None:
    reference = wanted["references"][event % len(wanted["references"])]
    body = json.dumps(
        {
            "event_id": f"{wanted['name']}{event}-{reference}",
            "reference": reference,
            "status": "diproses",
            "occurred_at": datetime.now(UTC).isoformat(),
            "note": note,
        }
    ).encode()
    headers = signed_headers(SECRET, int(time.time()), body)
    answer = await client.post(f"/connectors/{APP}/updates", content=body, headers=headers)
    answer.raise_for_status()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
