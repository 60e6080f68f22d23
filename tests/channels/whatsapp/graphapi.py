"""A strict Cloud API for tests, on loopback: numbers, files, statuses, the 24-hour window, faults on demand.

We wrote it, so others judge it: what it takes is checked by Kapso's typed models, what it sends by pywa's
parser (`judge_call`, `judge_webhook`), and both by Meta's own OpenAPI where that is at hand (metaspec.py).
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import httpx
import kapso_whatsapp.types as kapso
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pywa import WhatsApp
from pywa.types import RawUpdate

TOKEN = "EAAtestTESTtestTEST"
NUMBER = "106540352242922"
SECRET = "rahasia-aplikasi"
VERIFY = "kata-verifikasi"
DAY = 24 * 3600
TITLES = {
    131047: ("Re-engagement message", "More than 24 hours have passed since the customer last replied."),
    131056: ("(Business Account, Consumer Account) pair rate limit hit", "Too many messages to one number."),
    130429: ("Rate limit hit", "Cloud API message throughput has been reached."),
    131050: ("User has opted out", "The user has stopped marketing messages from this business."),
    131026: ("Message undeliverable", "Unable to deliver the message."),
    190: ("Access token has expired", "Your access token has expired."),
}


def error(code: int, status: int = 400) -> tuple[int, dict[str, Any]]:
    """An answer as the Graph API gives it."""
    title, details = TITLES.get(code, ("Something went wrong", "An error."))
    body = {
        "message": f"(#{code}) {title}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "A1b2C3",
    }
    return status, {"error": body}


@dataclass
class Fault:
    """What goes wrong with messages, perhaps to one person only, `times` times (-1: always)."""

    code: int | None = None
    status: int = 400
    body: object = None
    whom: str | None = None
    taken: bool = False
    hang: float = 0.0
    times: int = 1


@dataclass
class Person:
    """Somebody with WhatsApp; without a phone where they hide it, without a user id in the old shape."""

    user_id: str | None = "ID.13491208655302741918"
    phone: str | None = "6281200000001"
    name: str = "Warga"

    @property
    def key(self) -> str:
        return self.phone or self.user_id or ""


@dataclass
class GraphApi:
    """One app with one number. `url` and `webhook` are set by whoever serves it."""

    url: str = ""
    webhook: str = ""
    token: str = TOKEN
    # How many may be sent at once, and to one person, before it says no; 0 for any.
    per_second: int = 0
    pair_burst: int = 0
    faults: list[Fault] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sent_webhooks: list[dict[str, Any]] = field(default_factory=list)
    # Seconds added to the clock, to let windows close.
    later: float = 0.0

    def __post_init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.links: dict[str, tuple[str, int]] = {}
        self.link_uses = 1
        self.damaged = False
        self.heard: dict[str, float] = {}
        self.times: deque[float] = deque()
        self.pair: dict[str, deque[float]] = defaultdict(deque)
        self.ids = itertools.count(1)
        self.statuses: list[dict[str, Any]] = []
        self.refused: dict[int, int] = defaultdict(int)

    # What the number sends

    def app(self) -> FastAPI:
        """The server."""
        app = FastAPI()
        root = "/v23.0"

        @app.middleware("http")
        async def bearer(request: Request, go: Any) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                status, body = error(190, 401)
                return JSONResponse(body, status)
            return await go(request)

        @app.get(f"{root}/{NUMBER}")
        async def number() -> dict[str, Any]:
            return {
                "id": NUMBER,
                "display_phone_number": "+62 812-0000-0000",
                "verified_name": "Layanan Kota",
                "quality_rating": "GREEN",
            }

        @app.post(f"{root}/{NUMBER}/messages")
        async def messages(request: Request) -> Response:
            body = await request.json()
            if body.get("status") == "read":
                self.read.append(body)
                return JSONResponse({"success": True})
            return await self._take(body)

        @app.post(f"{root}/{NUMBER}/media")
        async def upload(request: Request) -> Response:
            form = await request.form()
            file = form["file"]
            media_id = str(next(self.ids) + 10**15)
            self.files[media_id] = (await file.read(), str(form["type"]))  # type: ignore[union-attr]
            if form.get("messaging_product") != "whatsapp":
                self.problems.append("an upload without messaging_product")
            return JSONResponse({"id": media_id})

        @app.get(f"{root}/{{media_id}}")
        async def media(media_id: str) -> Response:
            if media_id not in self.files:
                status, body = error(100, 400)
                return JSONResponse(body, status)
            data, kind = self.files[media_id]
            link = f"l{next(self.ids)}"
            self.links[link] = (media_id, self.link_uses)
            return JSONResponse(
                {
                    "messaging_product": "whatsapp",
                    "url": f"{self.url}/files/{link}",
                    "mime_type": kind,
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "file_size": len(data),
                    "id": media_id,
                }
            )

        @app.get("/files/{link}")
        async def file(link: str) -> Response:
            media_id, uses = self.links.get(link, ("", 0))
            if uses <= 0:
                return Response(status_code=404)
            self.links[link] = (media_id, uses - 1)
            data, kind = self.files[media_id]
            return Response(data[:-1] if self.damaged else data, media_type=kind)

        return app

    def expire(self, times: int = 1) -> None:
        """The next addresses of files are over before anybody can use them."""
        self.link_uses = 0
        asyncio.get_running_loop().call_later(0.15, lambda: setattr(self, "link_uses", 1))

    async def _take(self, body: dict[str, Any]) -> Response:
        self.problems += judge_call(body)
        whom = str(body.get("to") or body.get("recipient"))
        now = time.time() + self.later
        fault = next((item for item in self.faults if item.whom in (None, whom) and item.times != 0), None)
        if fault is not None:
            fault.times -= 1
            if fault.taken:
                self._accept(body, whom)
            if fault.hang:
                await asyncio.sleep(fault.hang)
            if fault.code is not None:
                self.refused[fault.code] += 1
                status, answer = error(fault.code, fault.status)
                return JSONResponse(answer, status)
            return JSONResponse(fault.body, fault.status)
        if self._too_many(self.times, now, 1, self.per_second):
            self.refused[130429] += 1
            status, answer = error(130429)
            return JSONResponse(answer, status)
        if self._too_many(self.pair[whom], now, 6 * max(self.pair_burst, 1), self.pair_burst):
            self.refused[131056] += 1
            status, answer = error(131056)
            return JSONResponse(answer, status)
        message_id = self._accept(body, whom)
        contact = {"input": whom, "wa_id": whom} if body.get("to") else {"input": whom, "user_id": whom}
        return JSONResponse(
            {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message_id}]}
        )

    def _accept(self, body: dict[str, Any], whom: str) -> str:
        message_id = f"wamid.HBg{next(self.ids):012d}"
        self.calls.append({**body, "id": message_id})
        open_ = time.time() + self.later - self.heard.get(whom, 0) < DAY
        track = body.get("biz_opaque_callback_data")
        if body["type"] == "template" or open_:
            states = [("sent", None), ("delivered", None), ("read", None)]
        else:
            states = [("failed", 131047)]
        self.statuses += [status(message_id, whom, name, code, track) for name, code in states]
        return message_id

    @staticmethod
    def _too_many(times: deque[float], now: float, seconds: float, most: int) -> bool:
        if not most:
            return False
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= most:
            return True
        times.append(now)
        return False

    def texts(self, person: Person | None = None) -> list[str]:
        """The words a person got, in order."""
        return [
            words(call)
            for call in self.calls
            if person is None or str(whom(call)) in (person.phone, person.user_id)
        ]

    # What people send

    def says(self, person: Person, kind: str = "text", **content: Any) -> dict[str, Any]:
        """One message, not yet in an envelope."""
        message: dict[str, Any] = {
            "id": content.pop("id", None) or f"wamid.IN{next(self.ids):012d}",
            "timestamp": str(int(time.time())),
            "type": kind,
            **content,
        }
        if person.phone:
            message["from"] = person.phone
        if person.user_id:
            message["from_user_id"] = person.user_id
        for key in (person.phone, person.user_id):
            if key:
                self.heard[key] = time.time() + self.later
        return message

    def text(self, person: Person, body: str, **more: Any) -> dict[str, Any]:
        """A text."""
        return self.says(person, "text", text={"body": body}, **more)

    def press(self, person: Person, token: str, title: str = "", listed: bool = False) -> dict[str, Any]:
        """A button or a row of a list."""
        kind = "list_reply" if listed else "button_reply"
        reply = {"id": token, "title": title or token}
        return self.says(
            person,
            "interactive",
            context={"from": NUMBER, "id": "wamid.q"},
            interactive={"type": kind, kind: reply},
        )

    def put(self, data: bytes, kind: str) -> str:
        """A file a citizen sent."""
        media_id = str(next(self.ids) + 10**15)
        self.files[media_id] = (data, kind)
        return media_id

    async def post(
        self, payload: dict[str, Any], client: httpx.AsyncClient, signature: str | bytes | None = None
    ) -> int:
        """Deliver a webhook body, signed over its bytes as Meta writes them (escaped)."""
        body = json.dumps(payload).encode()
        headers = {"X-Hub-Signature-256": signed(body) if signature is None else signature}
        self.sent_webhooks.append(payload)
        answer = await client.post("/channels/whatsapp", content=body, headers=headers)
        return answer.status_code


def signed(body: bytes) -> str:
    """The signature of a body."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def value(**content: Any) -> dict[str, Any]:
    """One change's value."""
    metadata = {"display_phone_number": "6281200000000", "phone_number_id": NUMBER}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


def envelope(*values: dict[str, Any]) -> dict[str, Any]:
    """A webhook body with one entry for each value."""
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "WABA", "changes": [{"field": "messages", "value": item}]} for item in values],
    }


def card(person: Person) -> dict[str, Any]:
    """What a webhook says of a person."""
    found: dict[str, Any] = {"profile": {"name": person.name}}
    if person.phone:
        found["wa_id"] = person.phone
    if person.user_id:
        found["user_id"] = person.user_id
    return found


def letter(person: Person, *messages: dict[str, Any]) -> dict[str, Any]:
    """A webhook body with messages of one person."""
    return envelope(value(contacts=[card(person)], messages=list(messages)))


def status(
    message_id: str, whom: str, said: str, code: int | None = None, track: str | None = None
) -> dict[str, Any]:
    """What became of a message we sent."""
    found: dict[str, Any] = {
        "id": message_id,
        "status": said,
        "timestamp": str(int(time.time())),
        "recipient_id": whom,
    }
    if track:
        found["biz_opaque_callback_data"] = track
    if code is not None:
        title, details = TITLES[code]
        found["errors"] = [
            {
                "code": code,
                "title": title,
                "message": title,
                "error_data": {"details": details},
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            }
        ]
    elif said == "sent":
        found["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "service"}
    return found


def report(*statuses: dict[str, Any], person: Person | None = None) -> dict[str, Any]:
    """A webhook body with statuses."""
    more = {"contacts": [card(person)]} if person else {}
    return envelope(value(**more, statuses=list(statuses)))


def whom(call: dict[str, Any]) -> str:
    """Who a call is for."""
    return str(call.get("to") or call.get("recipient"))


def words(call: dict[str, Any]) -> str:
    """What a person reads of a call."""
    kind = call["type"]
    if kind == "text":
        return str(call["text"]["body"])
    if kind == "interactive":
        return str(call["interactive"]["body"]["text"])
    if kind == "template":
        parameters = [
            item["text"]
            for part in call["template"].get("components", [])
            if part["type"] == "body"
            for item in part["parameters"]
        ]
        return f"[{call['template']['name']}] {' | '.join(parameters)}"
    return str((call.get(kind) or {}).get("caption") or "")


def choices(call: dict[str, Any]) -> dict[str, str]:
    """The choices of a call: title to token."""
    action = call.get("interactive", {}).get("action", {})
    found = {item["reply"]["title"]: item["reply"]["id"] for item in action.get("buttons", [])}
    for section in action.get("sections", []):
        found |= {row.get("description") or row["title"]: row["id"] for row in section["rows"]}
    return found


# The judges


def judge_call(call: dict[str, Any]) -> list[str]:
    """What is wrong with an outgoing message, by Kapso's models of Meta's limits."""
    problems = []
    if call.get("messaging_product") != "whatsapp" or bool(call.get("to")) == bool(call.get("recipient")):
        problems.append("messages need messaging_product, and either to or recipient")
    if len(call.get("biz_opaque_callback_data", "")) > 512:
        problems.append("biz_opaque_callback_data is too long")
    kind = call.get("type", "")
    content = call.get(kind)
    if not isinstance(content, dict):
        return [*problems, f"{kind!r} without its content"]
    try:
        _judge(kind, content)
    except ValueError as wrong:
        problems.append(f"{kind}: {wrong}")
    return problems


def _judge(kind: str, content: dict[str, Any]) -> None:
    base = {"phone_number_id": NUMBER, "phoneNumberId": NUMBER, "to": "6281200000001"}
    if kind == "text":
        kapso.TextMessageInput.model_validate({**base, "body": content["body"]})
    elif kind == "interactive":
        _judge_interactive(content, base)
    elif kind == "template":
        kapso.TemplateMessageInput.model_validate({**base, "template": content})
    elif kind == "location":
        kapso.LocationInput.model_validate(content)
    elif kind in ("image", "document"):
        kapso.MediaInput.model_validate(content)
        if bool(content.get("id")) == bool(content.get("link")):
            raise ValueError("a file has an id or a link")
    else:
        raise ValueError(f"nobody sends {kind}")


def _judge_interactive(content: dict[str, Any], base: dict[str, Any]) -> None:
    kind, action, body = content["type"], content["action"], content["body"]["text"]
    base = {**base, "bodyText": body}
    if not body or len(body.encode("utf-16-le")) // 2 > 1024:
        raise ValueError("the body has 1 to 1024 units")
    if kind == "button":
        replies = [item["reply"] for item in action["buttons"]]
        kapso.InteractiveButtonsInput.model_validate({**base, "buttons": replies})
        if len({item["title"] for item in replies}) < len(replies):
            raise ValueError("titles must differ")
        for item in replies:
            kapso.Button.model_validate(item)
    elif kind == "list":
        rows = [row for section in action["sections"] for row in section["rows"]]
        sections = [{"title": "-", **section} for section in action["sections"]]
        kapso.InteractiveListInput.model_validate(
            {**base, "buttonText": action["button"], "sections": sections}
        )
        if not 1 <= len(rows) <= 10 or len({row["id"] for row in rows}) < len(rows):
            raise ValueError("a list has 1 to 10 rows with ids of their own")
    elif kind == "location_request_message":
        if action != {"name": "send_location"}:
            raise ValueError("a location request sends a location")
    elif kind == "flow":
        given = action["parameters"]
        if not given.get("flow_token") or not given.get("flow_cta") or len(given["flow_cta"]) > 30:
            raise ValueError("a flow needs a token and a short button")
    else:
        raise ValueError(f"nobody sends {kind}")


def judge_webhook(payload: dict[str, Any]) -> list[Any]:
    """What pywa reads out of a webhook body, item by item: it looks at the first of a batch only.

    Raises whatever pywa raises for what it cannot read. It knows no sender without a user id: old payloads
    are shown to it with one.
    """
    body = json.dumps(payload).encode()
    reader = WhatsApp(
        phone_id=NUMBER,
        token="t",
        server=FastAPI(),
        verify_token=VERIFY,
        app_secret=SECRET,
        filter_updates=False,
    )
    assert reader.webhook_update_validator(body, signed(body)) is None
    assert reader.webhook_update_validator(body, "sha256=00") is not None
    found = []
    for item in _singles(payload):
        raw = RawUpdate(json.dumps(item).encode(), hmac_header=None, update_hash="x")
        handler = reader._get_handler_type(raw)
        assert handler is not None, f"pywa knows no such update: {item}"
        found.append(reader._handlers_to_updates[handler].from_update(client=reader, update=raw))
    return found


def _singles(payload: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for entry in payload["entry"]:
        for change in entry["changes"]:
            content = change["value"]
            contacts = [
                {"user_id": f"ID.{item.get('wa_id')}", **item} for item in content.get("contacts", [])
            ] or [{"wa_id": "6281200000001", "user_id": "ID.1", "profile": {"name": "W"}}]
            for name in ("messages", "statuses"):
                for item in content.get(name, []):
                    found.append(envelope(value(contacts=contacts, **{name: [item]})))
    return found
