"""WhatsApp end to end: a front door, a worker, and a Cloud API that fails as Meta's does.

Everything that the stand-in took or sent is judged by third parties at the end of each test.
"""

import asyncio
import io
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from PIL import Image

from bot.storage import tables
from bot.storage.broadcast_tables import subscriptions
from bot.storage.contact_tables import contacts
from tests.channels.running import working
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import Fault, choices, envelope, letter, report, value
from tests.channels.whatsapp.stage import BUDI, HIDDEN, OLD_SHAPE, SITI, hurry, stored, talks, until


async def test_metas_question_is_answered_only_to_who_knows_the_word(meta):
    ask = {"hub.mode": "subscribe", "hub.challenge": "998877", "hub.verify_token": graphapi.VERIFY}
    assert (await meta.get("/channels/whatsapp", params=ask)).text == "998877"
    for wrong in ({"hub.verify_token": "tebakan"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": "é"}):
        assert (await meta.get("/channels/whatsapp", params={**ask, **wrong})).status_code == 403
    assert (await meta.get("/channels/telegram", params=ask)).status_code == 403


async def test_bad_or_missing_signature_is_refused_and_nothing_is_kept(city, meta, api):
    said = letter(BUDI, api.text(BUDI, "halo"))
    for signature in (
        "",
        "sha256=00",
        graphapi.signed(b"another body"),
        "sha256=é".encode(),
    ):
        assert await api.post(said, meta, signature) == 401
    # The same JSON written again (unescaped here) is not what was signed.
    emoji = letter(BUDI, api.text(BUDI, "halo 😀"))
    again = json.dumps(emoji, ensure_ascii=False).encode()
    headers = {"X-Hub-Signature-256": graphapi.signed(json.dumps(emoji).encode())}
    assert (await meta.post("/channels/whatsapp", content=again, headers=headers)).status_code == 401
    assert await stored(city, "in") == []
    assert await api.post(emoji, meta) == 200


async def test_several_entries_messages_and_statuses_in_one_post(city, meta, api):
    body = envelope(
        value(
            contacts=[graphapi.card(BUDI), graphapi.card(SITI)],
            messages=[
                api.text(BUDI, "satu"),
                api.text(SITI, "dua"),
                api.text(BUDI, "tiga"),
            ],
        ),
        value(
            statuses=[graphapi.status("wamid.X", "1", "sent"), graphapi.status("wamid.X", "1", "delivered")]
        ),
        value(contacts=[graphapi.card(HIDDEN)], messages=[api.text(HIDDEN, "empat")]),
    )
    assert await api.post(body, meta) == 200
    assert [row.text for row in await stored(city, "in")] == ["satu", "dua", "tiga", "empat"]
    assert len(await talks(city)) == 3


async def test_poison_in_a_batch_costs_only_itself(city, meta, api):
    good = api.text(BUDI, "sehat")
    poison = [
        {"type": "text"},
        "kata",
        None,
        {**api.text(BUDI, "x"), "text": 7},
        {**api.says(BUDI, "location"), "location": {"latitude": 900, "longitude": 0}},
    ]
    body = letter(BUDI, *poison, good)  # type: ignore[arg-type]
    headers = {"X-Hub-Signature-256": graphapi.signed(json.dumps(body).encode())}
    answer = await meta.post("/channels/whatsapp", content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code == 200
    assert [row.text for row in await stored(city, "in")] == ["sehat"]


async def test_the_same_message_twice_and_batched_anew_is_answered_once(city, meta, api, engine):
    first, second = api.text(BUDI, "lapor lampu"), api.text(BUDI, "terima kasih ya")
    bodies = [
        letter(BUDI, first),
        letter(BUDI, first),
        letter(BUDI, first, second),
        letter(BUDI, second, first),
    ]
    assert await asyncio.gather(*(api.post(body, meta) for body in bodies)) == [200] * 4
    async with working(city):
        await until(lambda: len(api.calls) >= 2)
        await asyncio.sleep(0.2)
    assert sorted(turn.text for turn in engine.turns) == ["lapor lampu", "terima kasih ya"]
    assert len(api.calls) == 2


async def test_buttons_and_locations_make_a_dialogue(city, meta, api, engine):
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "lapor")), meta)
        await until(lambda: len(api.calls) == 1)
        offered = choices(api.calls[0])
        assert list(offered) == ["Benar", "Bukan"]
        await api.post(letter(BUDI, api.press(BUDI, offered["Benar"], "Benar")), meta)
        await until(lambda: len(api.calls) == 2)
        await api.post(letter(BUDI, api.text(BUDI, "di mana?")), meta)
        await until(lambda: len(api.calls) == 3)
        assert api.calls[2]["interactive"]["type"] == "location_request_message"
        pin = {"latitude": -7.47, "longitude": 112.43}
        await api.post(letter(BUDI, api.says(BUDI, "location", location=pin)), meta)
        await until(lambda: len(api.calls) == 4)
    assert [turn.text for turn in engine.turns[:2]] == ["lapor", "/affirm"]
    assert engine.turns[3].location.latitude == -7.47
    assert len(api.read) == 4
    assert all(item["typing_indicator"] == {"type": "text"} for item in api.read)


async def test_status_before_send_response_is_not_forgotten(city, meta, api):
    """Meta may report before its own answer reaches us; the message is found by what we sent along."""
    api.faults.append(Fault(status=200, body={"strange": True}, taken=True))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "halo")), meta)
        await until(lambda: len(api.calls) == 1)
        await api.post(report(*api.statuses[:2], person=BUDI), meta)
        await asyncio.sleep(0.3)
    [row] = await stored(city)
    assert (row.status, row.channel_message_id) == ("delivered", api.calls[0]["id"])
    assert len(api.calls) == 1, "an answer that cannot be read is no reason to send twice"


async def test_read_then_delivered_stays_read(city, meta, api):
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "halo")), meta)
        await until(lambda: len(api.calls) == 1)
        await asyncio.sleep(0.1)
        sent, delivered, read = api.statuses
        for status in (read, delivered, sent, delivered, read):
            await api.post(report(status), meta)
    [row] = await stored(city)
    assert row.status == "read"


async def test_131056_pacing_holds_up_one_citizen_only(city, meta, api):
    api.faults.append(Fault(code=131056, whom=BUDI.phone))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "satu")), meta)
        await until(lambda: api.refused[131056] == 1)
        await api.post(letter(SITI, api.text(SITI, "dua")), meta)
        await until(lambda: api.texts(SITI))
        assert api.texts(BUDI) == []
        await hurry(city)
        await until(lambda: api.texts(BUDI))
    assert {row.status for row in await stored(city)} == {"sent"}


async def test_130429_waits_and_nothing_is_lost(city, meta, api):
    api.faults.append(Fault(code=130429))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "satu")), meta)
        await until(lambda: api.refused[130429] == 1)
        await until(lambda: api.texts(BUDI))
    [row] = await stored(city)
    assert (row.status, row.attempts) == ("sent", 1)


async def test_190_token_expired_keeps_every_message(city, meta, api):
    api.token = "another"
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "satu")), meta)
        async with asyncio.timeout(20):
            while not any(row.reason == "WAIT_ACCOUNT" for row in await stored(city)):
                await asyncio.sleep(0.05)
    [row] = await stored(city)
    assert (row.status, row.attempts) == ("queued", 0)


async def test_who_cannot_be_reached_is_left_alone(city, meta, api):
    api.faults.append(Fault(code=131026))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "satu")), meta)
        await until(lambda: api.refused[131026] == 1)
        await asyncio.sleep(0.2)
    [row] = await stored(city)
    assert (row.status, row.reason) == ("skipped", "SKIPPED_BLOCKED")


@pytest.mark.parametrize("late", [False, True], ids=["at once", "in a status"])
async def test_131050_ends_every_subscription(city, meta, api, late):
    if not late:
        api.faults.append(Fault(code=131050))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "kabari kalau air mati")), meta)
        if late:
            async with asyncio.timeout(20):
                while [row.status for row in await stored(city)] != ["sent"]:
                    await asyncio.sleep(0.05)
            status = graphapi.status(api.calls[0]["id"], BUDI.phone, "failed", 131050)
            await api.post(report(status, person=BUDI), meta)
        async with asyncio.timeout(20):
            while [row.ended_why for row in await _subscriptions(city)] != ["opted_out"]:
                await asyncio.sleep(0.05)
    [row] = await stored(city)
    assert row.status in ("skipped", "failed")


async def _subscriptions(door):
    async with door.database.reading() as conn:
        return list(await conn.execute(sa.select(subscriptions)))


async def test_media_id_expired_or_url_404_is_fetched_again(city, meta, api, engine):
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(picture, "JPEG")
    media_id = api.put(picture.getvalue(), "image/jpeg")
    api.expire()
    image = {"id": media_id, "mime_type": "image/jpeg", "sha256": "x", "caption": "jalan berlubang"}
    async with working(city):
        await api.post(letter(BUDI, api.says(BUDI, "image", image=image)), meta)
        await until(lambda: len(api.calls) == 1, 10)
        gone = {**image, "id": "999", "caption": None}
        del gone["caption"]
        await api.post(letter(BUDI, api.says(BUDI, "image", image=gone)), meta)
        await until(lambda: len(api.calls) == 2)
    assert "tidak terbaca" in api.texts(BUDI)[1]


async def test_a_photo_becomes_ours(city, meta, api, engine):
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(picture, "JPEG")
    media_id = api.put(picture.getvalue(), "image/jpeg")
    image = {"id": media_id, "mime_type": "image/jpeg", "sha256": "x", "caption": "jalan berlubang"}
    async with working(city):
        await api.post(letter(BUDI, api.says(BUDI, "image", image=image)), meta)
        await until(lambda: len(api.calls) == 1)
    assert "jalan berlubang (1 foto)" in api.texts(BUDI)[0]
    [kept] = engine.turns[-1].photos
    with Image.open(city.media.path(kept["media_id"])) as stored_picture:
        assert stored_picture.size == (640, 480)


async def test_a_message_without_phone_is_answered_by_its_user_id(city, meta, api):
    async with working(city):
        await api.post(letter(HIDDEN, api.text(HIDDEN, "halo")), meta)
        await until(lambda: len(api.calls) == 1)
    assert api.calls[0]["recipient"] == HIDDEN.user_id
    assert "to" not in api.calls[0]


async def test_who_was_known_by_phone_alone_stays_the_same_person_with_an_id(city, meta, api, engine):
    tono = replace(OLD_SHAPE, user_id="ID.44444444444444444444")
    async with working(city):
        for number, person in enumerate((OLD_SHAPE, tono, OLD_SHAPE, replace(tono, phone=None)), 1):
            await api.post(letter(person, api.text(person, f"kabar {number}")), meta)
            await until(lambda number=number: len(api.calls) == number)
    [talk] = await talks(city)
    assert talk.address == tono.user_id
    assert [turn.text for turn in engine.turns] == [f"kabar {number}" for number in (1, 2, 3, 4)]
    assert {graphapi.whom(call) for call in api.calls} == {OLD_SHAPE.phone}


async def test_a_phone_under_another_id_is_another_person(city, meta, api):
    """Numbers are given out again: whoever has one now sees nothing of whoever had it."""
    newcomer = replace(BUDI, user_id="ID.99999999999999999999", name="Baru")
    await api.post(letter(BUDI, api.text(BUDI, "rahasia saya")), meta)
    await api.post(letter(newcomer, api.text(newcomer, "halo")), meta)
    assert len(await talks(city)) == 2
    async with city.database.reading() as conn:
        phones = [row.phone_digest for row in await conn.execute(sa.select(contacts))]
    assert len([digest for digest in phones if digest]) == 1


async def test_no_phone_is_readable_in_the_database(city, meta, api):
    for person in (BUDI, OLD_SHAPE):
        await api.post(letter(person, api.text(person, "halo")), meta)
    async with city.database.reading() as conn:
        for table in tables.metadata.sorted_tables:
            for row in await conn.execute(sa.select(table)):
                assert "62812000000" not in repr(tuple(row)), table.name


async def test_system_number_change_carries_the_talk_over(city, meta, api, engine):
    await api.post(letter(BUDI, api.text(BUDI, "halo")), meta)
    system = {
        "type": "user_changed_number",
        "wa_id": "6281299999999",
        "body": "Budi changed",
        "customer": BUDI.phone,
    }
    await api.post(letter(BUDI, api.says(BUDI, "system", system=system)), meta)
    moved = replace(BUDI, user_id="ID.77777777777777777777", phone="6281299999999")
    await api.post(letter(moved, api.text(moved, "ini nomor baru saya")), meta)
    [talk] = await talks(city)
    assert talk.address == moved.user_id
    assert len(await stored(city, "in")) == 2


async def test_unsupported_kinds_are_answered_once(city, meta, api, engine):
    def reaction():
        return api.says(BUDI, "reaction", reaction={"message_id": "wamid.q", "emoji": "👍"})

    sticker = {"id": "1", "mime_type": "image/webp", "sha256": "x", "animated": False}
    first = reaction()
    taken_back = api.says(BUDI, "reaction", reaction={"message_id": "wamid.q"})
    order = {"catalog_id": "1", "text": "", "product_items": []}
    unsupported = api.says(
        BUDI,
        "unsupported",
        errors=[
            {
                "code": 131051,
                "title": "Unsupported message type",
                "message": "Unsupported",
                "error_data": {"details": "Message type is not supported."},
            }
        ],
    )
    messages = [
        first,
        first,
        reaction(),
        api.says(BUDI, "sticker", sticker=sticker),
        unsupported,
        api.says(BUDI, "order", order=order),
    ]
    async with working(city):
        for message in messages:
            await api.post(letter(BUDI, message), meta)
        body = json.dumps(letter(BUDI, taken_back)).encode()
        headers = {"X-Hub-Signature-256": graphapi.signed(body)}
        assert (await meta.post("/channels/whatsapp", content=body, headers=headers)).status_code == 200
        await until(lambda: len(api.calls) == 4)
        await asyncio.sleep(0.2)
    assert len(api.calls) == 4, "one for the first reaction, the sticker, the unknown kind and the order"
    assert engine.turns == []


async def test_an_unknown_outcome_is_never_sent_twice(city, meta, api):
    api.faults.append(Fault(status=502, body="<html>", taken=True))
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "halo")), meta)
        await until(lambda: len(api.calls) == 1)
        await asyncio.sleep(0.5)
    assert len(api.calls) == 1
