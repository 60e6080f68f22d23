"""The way out: what is asked again, what is not, and what every kind of trouble is called."""

import asyncio
import gzip
import logging

import httpx
import pytest

from connectors.client import MAX_ANSWER_BYTES, Client
from connectors.errors import BackendChanged, BackendUnreachable
from connectors.exchange import Credential, Endpoint

CITY = Endpoint("kota", "http://kota.example/v1")
KEYED = {"Idempotency-Key": "t-1"}
pytestmark = pytest.mark.filterwarnings("error")


class Backend:
    """Answers in turn with responses or exceptions; the last one repeats."""

    def __init__(self, *turns):
        self.turns = list(turns)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


def answer(status, **more):
    return httpx.Response(status, **more)


TROUBLE = [
    ("server error", answer(500), True),
    ("bad gateway", answer(502), True),
    ("turned away", answer(503), False),
    ("too many", answer(429), False),
    ("request timeout", answer(408), True),
    ("no connection", httpx.ConnectError("refused"), False),
    ("no connection in time", httpx.ConnectTimeout("slow"), False),
    ("no answer in time", httpx.ReadTimeout("slow"), True),
    ("cut off", httpx.RemoteProtocolError("cut"), True),
    ("cannot be sent", httpx.WriteError("gone"), True),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("label", "trouble", "unknown"), TROUBLE, ids=[row[0] for row in TROUBLE])
async def test_a_writing_request_without_a_key_is_sent_once(client_of, label, trouble, unknown):
    backend = Backend(trouble)
    with pytest.raises(BackendUnreachable) as raised:
        await client_of(backend).send(CITY, "POST", "/x", body={})
    assert len(backend.requests) == 1
    assert raised.value.outcome_unknown is unknown


@pytest.mark.asyncio
@pytest.mark.parametrize(("label", "trouble", "unknown"), TROUBLE, ids=[row[0] for row in TROUBLE])
@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("POST", KEYED)])
async def test_a_request_that_may_be_repeated_is_asked_three_times(
    client_of, pauses, label, trouble, unknown, method, headers
):
    backend = Backend(trouble)
    with pytest.raises(BackendUnreachable) as raised:
        await client_of(backend).send(CITY, method, "/x", headers=headers)
    assert len(backend.requests) == 3
    assert raised.value.outcome_unknown is (unknown and method == "POST")
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


@pytest.mark.asyncio
async def test_one_doubtful_attempt_leaves_the_outcome_unknown(client_of):
    backend = Backend(httpx.ReadTimeout("slow"), answer(503))
    with pytest.raises(BackendUnreachable) as raised:
        await client_of(backend).send(CITY, "POST", "/x", headers=KEYED)
    assert raised.value.outcome_unknown


@pytest.mark.asyncio
async def test_the_same_key_goes_with_every_attempt(client_of):
    backend = Backend(answer(500), answer(201, json={"ok": 1}))
    assert (await client_of(backend).send(CITY, "POST", "/x", headers=KEYED, body={})).ok
    assert [request.headers["Idempotency-Key"] for request in backend.requests] == ["t-1", "t-1"]


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_refusal_is_not_asked_again(client_of, status):
    backend = Backend(answer(status, json={"detail": "tidak bisa"}))
    found = await client_of(backend).send(CITY, "GET", "/x")
    assert (found.status, found.reason(), len(backend.requests)) == (status, "tidak bisa", 1)


@pytest.mark.asyncio
async def test_a_hanging_city_costs_one_budget_not_three():
    async def hang(request):
        await asyncio.sleep(60)

    client = Client(httpx.MockTransport(hang))
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(BackendUnreachable) as raised:
        await client.send(
            Endpoint("kota", "http://kota.example", timeout_seconds=0.3), "POST", "/x", headers=KEYED
        )
    assert raised.value.outcome_unknown
    assert loop.time() - started < 5
    await client.close()


@pytest.mark.asyncio
async def test_a_city_that_trickles_is_cut_off():
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    client = Client(httpx.MockTransport(lambda request: httpx.Response(200, stream=Trickle())))
    with pytest.raises(BackendUnreachable):
        await client.send(Endpoint("kota", "http://kota.example", timeout_seconds=0.3), "GET", "/x")
    await client.close()


class Flood(httpx.AsyncByteStream):
    """Sends more than anyone wants, and counts it."""

    def __init__(self, chunk):
        self.chunk, self.sent = chunk, 0

    async def __aiter__(self):
        while self.sent < 50:
            self.sent += 1
            yield self.chunk


@pytest.mark.asyncio
async def test_an_oversized_answer_is_cut_off_early(client_of):
    flood = Flood(b"x" * 400_000)
    with pytest.raises(BackendChanged, match="larger than"):
        await client_of(Backend(httpx.Response(200, stream=flood))).send(CITY, "GET", "/x")
    assert flood.sent <= 4


@pytest.mark.asyncio
async def test_a_compressed_bomb_is_cut_off_early(client_of):
    bomb = Flood(gzip.compress(b"0" * 20 * MAX_ANSWER_BYTES))
    response = httpx.Response(200, stream=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BackendChanged, match="larger than"):
        await client_of(Backend(response)).send(CITY, "GET", "/x")
    assert bomb.sent == 1


@pytest.mark.asyncio
async def test_a_compressed_answer_is_read(client_of):
    packed = gzip.compress(b'{"a": 1}')
    stream = Flood(packed[:5])
    stream.__class__ = type("Once", (Flood,), {"__aiter__": lambda self: _pieces(packed)})
    response = httpx.Response(200, stream=stream, headers={"Content-Encoding": "gzip"})
    assert (await client_of(Backend(response)).send(CITY, "GET", "/x")).document() == {"a": 1}


async def _pieces(data):
    for start in range(0, len(data), 3):
        yield data[start : start + 3]


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_an_unreadable_encoding_is_a_change(client_of, encoding):
    response = httpx.Response(200, stream=Flood(b"bukan"), headers={"Content-Encoding": encoding})
    with pytest.raises(BackendChanged):
        await client_of(Backend(response)).send(CITY, "GET", "/x")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "location",
    [
        "http://jahat.example/v1/x",
        "https://kota.example/v1/x",
        "http://kota.example:8080/x",
        "//jahat.example/",
    ],
)
async def test_no_redirect_to_another_host_is_followed(client_of, location):
    backend = Backend(answer(307, headers={"Location": location}))
    secret = Endpoint("kota", "http://kota.example/v1", Credential("form", "api_key", "rahasia"))
    with pytest.raises(BackendChanged, match="redirects to another host"):
        await client_of(backend).send(secret, "POST", "/x", form={"a": "b"}, headers=KEYED)
    assert len(backend.requests) == 1


@pytest.mark.asyncio
async def test_a_redirect_on_the_same_host_is_followed(client_of):
    backend = Backend(answer(301, headers={"Location": "/v1/x/"}), answer(200, json=[]))
    assert (await client_of(backend).send(CITY, "GET", "/x")).document() == []
    assert backend.requests[1].url.path == "/v1/x/"


@pytest.mark.asyncio
async def test_a_post_never_turns_into_a_get(client_of):
    with pytest.raises(BackendChanged, match="redirects a POST"):
        await client_of(Backend(answer(302, headers={"Location": "/masuk"}))).send(CITY, "POST", "/x")


@pytest.mark.asyncio
async def test_a_redirect_in_circles_ends(client_of):
    with pytest.raises(BackendChanged, match="circles"):
        await client_of(Backend(answer(307, headers={"Location": "/v1/x"}))).send(CITY, "GET", "/x")


@pytest.mark.parametrize("raw", [b"", b"<html>maaf</html>", b"{", b"\xff", b"[NaN]", b"[" * 50_000])
@pytest.mark.asyncio
async def test_an_answer_that_is_not_json_is_a_change(client_of, raw):
    found = await client_of(Backend(answer(200, content=raw))).send(CITY, "GET", "/x")
    assert found.reason() == ""
    with pytest.raises(BackendChanged, match="not JSON"):
        found.document()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("credential", "seen"),
    [
        (Credential(), lambda r: "authorization" not in r.headers),
        (Credential("bearer", "", "k1"), lambda r: r.headers["authorization"] == "Bearer k1"),
        (Credential("header", "X-Key", "k1"), lambda r: r.headers["x-key"] == "k1"),
        (
            Credential("query", "key", "k1"),
            lambda r: r.url.params["key"] == "k1" and r.url.params["q"] == "1",
        ),
        (Credential("form", "api_key", "k1"), lambda r: r.content == b"a=b&api_key=k1"),
    ],
)
async def test_the_key_goes_where_the_app_wants_it(client_of, credential, seen):
    backend = Backend(answer(200))
    endpoint = Endpoint("kota", "http://kota.example/v1", credential)
    await client_of(backend).send(endpoint, "POST", "/x", query={"q": "1"}, form={"a": "b"})
    assert seen(backend.requests[0])


@pytest.mark.asyncio
async def test_no_log_line_carries_a_key_a_query_or_a_body(client_of, caplog):
    caplog.set_level(logging.DEBUG)
    for credential in (
        Credential("query", "key", "sangat-rahasia"),
        Credential("form", "key", "sangat-rahasia"),
    ):
        endpoint = Endpoint("kota", "http://kota.example/v1", credential)
        await client_of(Backend(answer(200))).send(
            endpoint, "POST", "/x", query={"nama": "Siti"}, form={"nik": "3576"}
        )
        with pytest.raises(BackendUnreachable) as raised:
            await client_of(Backend(httpx.ConnectError("http://k/?key=sangat-rahasia"))).send(
                endpoint, "GET", "/x"
            )
        assert "sangat-rahasia" not in repr(raised.value) + repr(endpoint)
    assert "kota POST /v1/x: 200" in caplog.text
    for secret in ("sangat-rahasia", "Siti", "3576"):
        assert secret not in caplog.text


@pytest.mark.asyncio
async def test_calls_beyond_the_rate_wait_their_turn(client_of):
    clock = Clock()
    client = client_of(Backend(answer(200)), clock=clock)
    client._sleep = clock.sleep
    endpoint = Endpoint("kota", "http://kota.example", rate_per_minute=60)
    for _ in range(12):
        await client.send(endpoint, "GET", "/x")
    assert clock.now == pytest.approx(2.0)


@pytest.mark.asyncio
async def test_a_call_that_would_wait_too_long_is_turned_away(client_of):
    clock = Clock()
    client = client_of(Backend(answer(200)), clock=clock)
    client._sleep = clock.sleep
    slow = Endpoint("kota", "http://kota.example", rate_per_minute=1)
    await client.send(slow, "POST", "/x")
    with pytest.raises(BackendUnreachable, match="calls a minute") as raised:
        await client.send(slow, "POST", "/x")
    assert not raised.value.outcome_unknown
    await client.send(Endpoint("lain", "http://lain.example"), "POST", "/x")


@pytest.mark.asyncio
async def test_a_city_that_names_a_pause_gets_it(client_of, pauses):
    busy = answer(429, headers={"Retry-After": "3"})
    assert (await client_of(Backend(busy, answer(200))).send(CITY, "GET", "/x")).ok
    assert pauses == [3.0]


@pytest.mark.asyncio
@pytest.mark.parametrize("named", ["3600", "9" * 400])
async def test_a_pause_longer_than_the_budget_is_not_waited_for(client_of, pauses, named):
    backend = Backend(answer(503, headers={"Retry-After": named}))
    with pytest.raises(BackendUnreachable):
        await client_of(backend).send(CITY, "GET", "/x")
    assert (len(backend.requests), pauses) == (1, [])


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.mark.asyncio
async def test_every_attempt_is_observed(client_of):
    seen = []
    client = client_of(
        Backend(answer(500), answer(404)), observe=lambda app, outcome, _: seen.append((app, outcome))
    )
    await client.send(CITY, "GET", "/x")
    assert seen == [("kota", "unreachable"), ("kota", "404")]


@pytest.mark.asyncio
@pytest.mark.parametrize("base_url", ["http://[rusak", "http://kota.example:abc", "bukan-alamat"])
async def test_an_address_that_is_none_is_for_the_operator(client_of, base_url):
    with pytest.raises((BackendChanged, BackendUnreachable)):
        await client_of(Backend(httpx.UnsupportedProtocol("?"))).send(
            Endpoint("kota", base_url), "POST", "/x"
        )
