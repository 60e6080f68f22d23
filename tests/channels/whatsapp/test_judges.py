"""What we would send, judged by others: pywa, Kapso's limits, Meta's OpenAPI, Prism as a server."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywa import WhatsApp
from pywa.types import Button as PywaButton
from pywa.types import Section, SectionList, SectionRow

from bot.channels.fit import fit
from bot.channels.whatsapp import WhatsAppChannel, payloads
from bot.vocabulary.messages import (
    Attachment,
    Button,
    ChannelAddress,
    ChannelName,
    FilledTemplate,
    OutgoingMessage,
)
from tests.channels.whatsapp import graphapi, metaspec
from tests.channels.whatsapp.graphapi import Person, envelope, letter, report, value
from tests.ports import free_port

BUDI = ChannelAddress(ChannelName.WHATSAPP, "ID.1", "Budi", "6281200000001")
SPEC = Path(os.environ.get("LAWANG_META_OPENAPI", ""))
with_spec = pytest.mark.skipif(
    not SPEC.is_file(), reason="Meta's OpenAPI is not at hand: LAWANG_META_OPENAPI names the file"
)
PRISM = os.environ.get("LAWANG_PRISM") or shutil.which("prism")


def phrase(key):
    return {"whatsapp.choose": "Silakan pilih.", "whatsapp.open_list": "Lihat pilihan"}.get(
        key, "Atau ketik:"
    )


def parts(message):
    fitted = [message] if message.template else fit(message, WhatsAppChannel.limits)
    found = [payload for part in fitted for payload in payloads.build(part, phrase)]
    return [payloads.addressed(payload, BUDI, "7") for payload in found]


def choose(*titles):
    return tuple(Button(title, "/x", f"token-{number}") for number, title in enumerate(titles))


MESSAGES = {
    "text": OutgoingMessage("Halo *Bapak/Ibu* 😀"),
    "buttons": OutgoingMessage("Benar?", choose("Ya", "Bukan", "Petugas")),
    "list": OutgoingMessage("Pilih", choose(*(f"Kelurahan {n}" for n in range(10)))),
    "long titles": OutgoingMessage(
        "Pilih", choose("Jalan rusak atau berlubang di lingkungan saya", "Sampah")
    ),
    "alike": OutgoingMessage(
        "Pilih", choose("Kelurahan Kranggan Kota A lama", "Kelurahan Kranggan Kota A baru")
    ),
    "location": OutgoingMessage("Di mana?", ask_location=True),
    "location or words": OutgoingMessage("Di mana?", choose("Tanpa lokasi"), ask_location=True),
    "place": OutgoingMessage(
        "Ini", attachments=(Attachment("location", url="geo:-7.47,112.43", title="MPP"),)
    ),
    "link": OutgoingMessage(
        "Ini", attachments=(Attachment("link", url="https://example.go.id", title="Peta"),)
    ),
    "template": OutgoingMessage(
        "Kabar", template=FilledTemplate("kabar_urusan", "id", ("Kota Mojokerto", "Selesai"), "token")
    ),
    "very long": OutgoingMessage("kata 😀 " * 2000, choose("Ya", "Bukan")),
    "no words": OutgoingMessage("", choose("Ya", "Bukan")),
    "many": OutgoingMessage("Pilih", choose(*(f"Pilihan {n}" for n in range(30)))),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_we_send_is_within_the_limits(name):
    for call in parts(MESSAGES[name]):
        assert graphapi.judge_call(call) == []


def test_nothing_a_citizen_should_read_is_lost_under_a_list():
    [call] = parts(MESSAGES["long titles"])
    rows = call["interactive"]["action"]["sections"][0]["rows"]
    assert rows[0]["description"] == "Jalan rusak atau berlubang di lingkungan saya"
    [call] = parts(MESSAGES["location or words"])
    assert "*Tanpa lokasi*" in graphapi.words(call)


@given(
    text=st.text(max_size=6000),
    titles=st.lists(st.text(min_size=1, max_size=90).filter(str.strip), max_size=14),
    asks=st.booleans(),
)
def test_any_bubble_becomes_calls_that_are_taken(text, titles, asks):
    clean = text.encode("utf-8", "ignore").decode().replace("\x00", "")
    titles = [title.encode("utf-8", "ignore").decode().strip() or "x" for title in titles]
    message = OutgoingMessage(clean, choose(*titles), ask_location=asks)
    for call in parts(message) if clean.strip() else []:
        assert graphapi.judge_call(call) == []


def pywa_sends(**what):
    seen = []

    def handler(request):
        seen.append(json.loads(request.content))
        return httpx.Response(
            200,
            json={
                "messaging_product": "whatsapp",
                "messages": [{"id": "wamid.1"}],
                "contacts": [{"input": "6281200000001", "wa_id": "6281200000001"}],
            },
        )

    client = WhatsApp(
        phone_id=graphapi.NUMBER, token="t", session=httpx.Client(transport=httpx.MockTransport(handler))
    )
    client.send_message(to="6281200000001", **what)
    return seen[0]


def bare(call):
    """Without what is optional, or ours."""
    drop = ("biz_opaque_callback_data", "recipient_type")
    if isinstance(call, dict):
        return {
            key: bare(item) for key, item in call.items() if key not in drop and item not in (None, False)
        }
    return [bare(item) for item in call] if isinstance(call, list) else call


def test_pywa_sends_the_same():
    rows = [SectionRow(title=f"Kelurahan {n}", callback_data=f"token-{n}") for n in range(10)]
    theirs = {
        "text": pywa_sends(text="Halo *Bapak/Ibu* 😀"),
        "buttons": pywa_sends(
            text="Benar?",
            buttons=[
                PywaButton(title=title, callback_data=f"token-{number}")
                for number, title in enumerate(("Ya", "Bukan", "Petugas"))
            ],
        ),
        "list": pywa_sends(
            text="Pilih",
            buttons=SectionList(button_title="Lihat pilihan", sections=[Section(title="", rows=rows)]),
        ),
    }
    for name, their in theirs.items():
        [ours] = parts(MESSAGES[name])
        their = bare(their)
        for section in their.get("interactive", {}).get("action", {}).get("sections", []):
            section.pop("title", None)
        assert bare(ours) == their, name


def webhooks():
    api, budi = graphapi.GraphApi(), Person()
    kinds = {
        "image": {"image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "lubang"}},
        "audio": {"audio": {"id": "2", "mime_type": "audio/ogg; codecs=opus", "sha256": "x", "voice": True}},
        "document": {
            "document": {"id": "3", "mime_type": "application/pdf", "sha256": "x", "filename": "a.pdf"}
        },
        "sticker": {"sticker": {"id": "4", "mime_type": "image/webp", "sha256": "x", "animated": False}},
        "location": {"location": {"latitude": -7.47, "longitude": 112.43}},
        "reaction": {"reaction": {"message_id": "wamid.q", "emoji": "👍"}},
        "button": {"button": {"payload": "t", "text": "Ya"}, "context": {"from": "1", "id": "wamid.q"}},
        "unsupported": {
            "errors": [
                {"code": 131051, "title": "Unsupported", "message": "m", "error_data": {"details": "d"}}
            ]
        },
    }
    yield letter(budi, api.text(budi, "halo 😀 *tebal* <b>"), api.text(budi, "dua"))
    yield letter(budi, api.press(budi, "t", "Ya"), api.press(budi, "t", "KTP", listed=True))
    yield letter(budi, *(api.says(budi, kind, **content) for kind, content in kinds.items()))
    yield envelope(
        *(value(statuses=[graphapi.status("wamid.1", budi.phone, name)]) for name in ("sent", "read"))
    )
    yield report(graphapi.status("wamid.1", budi.phone, "failed", 131047, "7"), person=budi)


def test_pywa_reads_all_that_the_stand_in_sends():
    found = [type(item).__name__ for payload in webhooks() for item in graphapi.judge_webhook(payload)]
    assert found[:4] == ["Message", "Message", "CallbackButton", "CallbackSelection"]
    assert found.count("MessageStatus") == 3
    assert len(found) == 15


@with_spec
def test_metas_own_specification_agrees_with_both_directions():
    published, mended = metaspec.read(SPEC), metaspec.mend(metaspec.read(SPEC))
    examples = {
        name: item for name, item in published.examples().items() if item.get("type") in metaspec.SENT
    }
    before = sum(not published.problems(metaspec.SENT[item["type"]], item) for item in examples.values())
    after = sum(not mended.judge_sent(item) for item in examples.values())
    print(f"examples {len(examples)}, valid as published {before}, mended {after}; repairs {mended.repairs}")
    assert after > before
    judged = [call for message in MESSAGES.values() for call in parts(message)]
    problems = [problem for call in judged for problem in mended.judge_sent(call)]
    assert problems == []
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert mended.judge_sent({**read, "typing_indicator": {"type": "text"}}) == []
    received = list(webhooks())
    assert [problem for payload in received for problem in mended.judge_received(payload)] == []
    print(f"{len(judged)} calls and {len(received)} webhook bodies judged")
    # A judge that says yes to everything is none.
    [four] = parts(MESSAGES["buttons"])
    four["interactive"]["action"]["buttons"] *= 2
    for spoilt in (four, {"messaging_product": "whatsapp", "to": "1", "type": "interactive"}):
        assert mended.judge_sent(spoilt)


@with_spec
@pytest.mark.skipif(not PRISM, reason="Prism is not installed: LAWANG_PRISM names its command")
def test_prism_answers_as_a_second_server(tmp_path):
    document = metaspec.for_prism(metaspec.mend(metaspec.read(SPEC)))
    (tmp_path / "meta.json").write_text(json.dumps(document, default=str))
    port = free_port()
    with (tmp_path / "prism.log").open("wb") as log:
        command = [PRISM, "mock", str(tmp_path / "meta.json"), "-h", "127.0.0.1", "-p", str(port), "--errors"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/v23.0/{graphapi.NUMBER}/messages"
    try:
        with httpx.Client(headers={"Authorization": "Bearer t"}, timeout=20) as client:
            for _ in range(240):
                try:
                    client.get(url)
                    break
                except httpx.TransportError:
                    time.sleep(0.25)
            answers = {}
            for name, message in MESSAGES.items():
                answers[name] = [client.post(url, json=call).status_code for call in parts(message)]
            [wrong] = parts(MESSAGES["buttons"])
            wrong["interactive"]["action"]["buttons"] *= 2
            refused = client.post(url, json=wrong).status_code
    finally:
        process.terminate()
        process.wait(10)
    print(answers)
    assert {code for codes in answers.values() for code in codes} == {200}
    assert refused == 422
