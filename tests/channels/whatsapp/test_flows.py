"""Forms that WhatsApp shows itself: offered, filled in, judged; and the sealed questions of our endpoint."""

import asyncio
import base64
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pywa import utils as pywa

from bot.channels.whatsapp import envelopes, flows
from bot.settings import ROOT
from bot.storage import tables
from bot.vocabulary.conversations import Reply, Say
from bot.vocabulary.messages import ChannelName
from connectors.errors import BackendUnreachable
from connectors.queues import BookingSlot, DaySlots
from tests.channels.running import working
from tests.channels.whatsapp import graphapi
from tests.channels.whatsapp.graphapi import Fault, letter
from tests.channels.whatsapp.pywaflows import BUILT, document
from tests.channels.whatsapp.stage import BUDI, SITI, until

KEY = envelopes.new_key()
TENANT = "kota_mojokerto"
FILLED = {"description": "lampu jalan mati", "place": "depan SDN Wates RT 3", "topic": "lampu_jalan"}


def asks(turn):
    """Begin the form that is wished for; repeat anything else."""
    if "{" not in turn.text and turn.text in ("lapor", "antre"):
        key, form = {
            "lapor": ("complaint.ask_description", "complaint"),
            "antre": ("booking.ask_service", "booking"),
        }[turn.text]
        return Reply((Say(key, form=form),), (), {})
    return Reply((Say("update.note", {"note": turn.text}),), (), {})


@pytest.fixture
def published(city, engine):
    """The same door once Meta has published both forms of the government."""
    engine.answer = asks
    channel = city.channels[ChannelName.WHATSAPP]
    known = flows.load(ROOT)
    ids = {(TENANT, "complaint"): "111", (TENANT, "booking"): "222"}
    channel.forms = replace(known, ids=ids, published=frozenset(ids))
    given = replace(city.settings.whatsapp, private_key=KEY)
    return replace(city, settings=replace(city.settings, whatsapp=given))


def filled(api, token, person=BUDI, **answers):
    """What WhatsApp delivers when somebody sends a form."""
    response = json.dumps({**answers, "flow_token": token})
    reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": response}}
    context = {"from": graphapi.NUMBER, "id": "wamid.q"}
    return letter(person, api.says(person, "interactive", context=context, interactive=reply))


async def offered(api, meta, word="lapor"):
    """Ask for a form; the parameters with which it came."""
    before = len(api.calls)
    await api.post(letter(BUDI, api.text(BUDI, word)), meta)
    await until(lambda: len(api.calls) > before)
    return api.calls[-1]["interactive"]["action"]["parameters"]


@pytest.mark.parametrize("name", sorted(BUILT))
def test_each_form_is_what_pywas_typed_components_build(name):
    assert flows.load(ROOT).all[name].document == document(name)


async def test_a_form_stands_beside_the_question_and_fills_the_same_form(published, meta, api, engine):
    async with working(published):
        shown = await offered(api, meta)
        assert (shown["flow_id"], shown["flow_action"], shown["mode"]) == ("111", "navigate", "published")
        data = shown["flow_action_payload"]["data"]
        assert {"id": "lampu_jalan", "title": "Lampu jalan"}.items() <= next(
            line for line in data["topics"] if line["id"] == "lampu_jalan"
        ).items()
        await api.post(filled(api, shown["flow_token"], **FILLED), meta)
        await until(lambda: len(api.calls) == 2)
    payload, _, answers = engine.turns[-1].text.partition("{")
    assert payload == "/report_complaint"
    assert json.loads("{" + answers) == {"form": FILLED}


async def test_a_number_typed_into_a_form_is_masked(published, meta, api, engine):
    async with working(published):
        shown = await offered(api, meta)
        told = {**FILLED, "description": "lampu mati, NIK saya 3576014406850001"}
        await api.post(filled(api, shown["flow_token"], **told), meta)
        await until(lambda: len(api.calls) == 2)
    assert "3576014406850001" not in engine.turns[-1].text


async def test_nfm_reply_with_foreign_flow_token(published, meta, api, engine):
    async with working(published):
        token = (await offered(api, meta))["flow_token"]
        for strange in (
            filled(api, token, SITI, **FILLED),
            filled(api, "tebakan", **FILLED),
            filled(api, None, **FILLED),
        ):
            before, turns = len(api.calls), len(engine.turns)
            await api.post(strange, meta)
            await until(lambda: len(api.calls) > before)  # noqa: B023
            assert "bukan dari percakapan ini" in api.texts()[-1]
            assert len(engine.turns) == turns


async def test_a_form_counts_once(published, meta, api, engine):
    async with working(published):
        token = (await offered(api, meta))["flow_token"]
        await api.post(filled(api, token, **FILLED), meta)
        await until(lambda: len(api.calls) == 2)
        await api.post(filled(api, token, **FILLED), meta)
        await until(lambda: len(api.calls) == 3)
    assert "tidak kami pakai dua kali" in api.texts()[-1]
    assert len(engine.turns) == 2


async def test_a_form_of_last_week_does_not_count(published, meta, api, engine):
    async with working(published):
        token = (await offered(api, meta))["flow_token"]
        async with published.database.transaction() as conn:
            old = datetime.now(UTC) - timedelta(days=7)
            await conn.execute(sa.update(tables.buttons).values(created_at=old))
        await api.post(filled(api, token, **FILLED), meta)
        await until(lambda: len(api.calls) == 2)
    assert "sudah lewat tiga hari" in api.texts()[-1]
    assert len(engine.turns) == 1


async def test_without_a_published_form_the_question_stands_alone(city, meta, api, engine):
    engine.answer = asks
    async with working(city):
        await api.post(letter(BUDI, api.text(BUDI, "lapor")), meta)
        await until(lambda: len(api.calls) == 1)
    assert api.calls[0]["type"] == "text"
    assert "formulir" not in api.texts()[-1]


async def test_a_form_that_meta_blocks_is_asked_in_the_chat(published, meta, api):
    api.faults = [Fault(132068)]
    async with working(published):
        await api.post(letter(BUDI, api.text(BUDI, "lapor")), meta)
        await until(lambda: len(api.calls) == 1)
    assert api.calls[0]["type"] == "text"


# The endpoint


class Client:
    """A telephone with a form open: seals its questions and opens our answers, judged by pywa."""

    def __init__(self, meta):
        self.meta = meta
        self.public = serialization.load_pem_public_key(envelopes.public_of(KEY).encode())

    async def ask(self, tampered=False, signature=None, **request):
        key, iv = os.urandom(16), os.urandom(16)
        data = AESGCM(key).encrypt(iv, json.dumps({"version": "3.0", **request}).encode(), None)
        if tampered:
            data = bytes([data[0] ^ 1]) + data[1:]
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        sealed = {
            "encrypted_flow_data": base64.b64encode(data).decode(),
            "encrypted_aes_key": base64.b64encode(self.public.encrypt(key, oaep)).decode(),
            "initial_vector": base64.b64encode(iv).decode(),
        }
        if not tampered:
            opened, _, _ = pywa.default_flow_request_decryptor(*sealed.values(), KEY)
            assert opened == {"version": "3.0", **request}
        body = json.dumps(sealed).encode()
        headers = {"X-Hub-Signature-256": signature or graphapi.signed(body)}
        answer = await self.meta.post("/channels/whatsapp/flow", content=body, headers=headers)
        if "json" in answer.headers["content-type"]:
            return answer.status_code, answer.json()
        inverted = bytes(byte ^ 0xFF for byte in iv)
        reply = json.loads(AESGCM(key).decrypt(inverted, base64.b64decode(answer.text), None))
        # pywa writes other spaces and escapes into its JSON: what is sealed is compared, not the bytes.
        theirs = base64.b64decode(pywa.default_flow_response_encryptor(reply, key, iv))
        assert json.loads(AESGCM(key).decrypt(inverted, theirs, None)) == reply
        return answer.status_code, reply


@pytest.fixture
async def phone(published, meta):
    meta._transport.app.state.door = published
    return Client(meta)


class Hall:
    """A queue with two hours left tomorrow."""

    away = False

    def __iter__(self):
        return iter(())

    def find(self, tenant, capability, topic=None):
        return self

    async def slots(self, query):
        if self.away:
            raise BackendUnreachable("aula")
        zone = ZoneInfo("Asia/Jakarta")
        left = {9: 1, 10: 0, 11: 2}
        at = {hour: datetime.combine(query.day, time(hour), zone) for hour in left}
        slots = (BookingSlot(f"s{hour}", "loket", at[hour], room) for hour, room in left.items())
        return DaySlots(query.day, tuple(slots))


async def test_the_endpoint_answers_metas_health_check(phone):
    assert await phone.ask(action="ping") == (200, {"data": {"status": "active"}})


async def test_a_request_that_is_not_metas_is_refused_before_it_is_opened(phone):
    assert (await phone.ask(action="ping", signature="sha256=00"))[0] == 432


async def test_a_tampered_envelope_is_refused_with_421(phone):
    assert (await phone.ask(action="ping", tampered=True))[0] == 421


async def test_an_unknown_action_is_refused(phone):
    assert (await phone.ask(action="buka"))[0] == 422


async def test_a_form_with_a_foreign_token_is_closed(phone):
    status, reply = await phone.ask(action="INIT", flow_token="tebakan")
    assert status == 427
    assert "tidak berlaku" in reply["error_msg"]


async def test_the_hours_free_now_are_shown_between_the_screens(published, phone, api, meta):
    published = replace(published, registry=Hall())
    meta._transport.app.state.door = published
    async with working(published):
        token = (await offered(api, meta, "antre"))["flow_token"]
        status, first = await phone.ask(action="INIT", flow_token=token)
        assert (status, first["screen"]) == (200, "PILIH")
        service = next(line["id"] for line in first["data"]["services"] if line["id"] == "ktp_hilang")
        day = first["data"]["days"][1]["id"]
        asked = {"screen": "PILIH", "data": {"service": service, "day": day}, "flow_token": token}
        _, second = await phone.ask(action="data_exchange", **asked)
        assert second["screen"] == "JAM"
        assert len(second["data"]["times"]) == 2
        assert second["data"]["name"] == BUDI.name
        published.registry.away = True
        _, again = await phone.ask(action="data_exchange", **asked)
        assert again["screen"] == "PILIH"
        assert "tidak bisa dibuka" in again["data"]["error_message"]
        _, back = await phone.ask(action="BACK", **asked)
        assert back["screen"] == "PILIH"
        await asyncio.sleep(0)
