"""The one way out to city systems: time budget, harmless retries, rate, size cap, error mapping.

A call has one budget, `timeout_seconds`, for all its attempts: a citizen waits that long and no longer.
Only a GET, or a request that carries an Idempotency-Key, is asked twice.
"""

import asyncio
import logging
import random
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from connectors.errors import BackendChanged, BackendUnreachable
from connectors.exchange import Answer, Endpoint
from connectors.pace import Pace
from connectors.redaction import hide, quiet, without_numbers

logger = logging.getLogger(__name__)

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.2
LONGEST_CONNECT_SECONDS = 3.0
MAX_ANSWER_BYTES = 1_000_000
MAX_REDIRECTS = 3
IDEMPOTENCY_KEY = "Idempotency-Key"

Observer = Callable[[str, str, float], None]


class _Fault(Exception):
    """One attempt failed in a way that another may not."""

    def __init__(self, detail: str, *, unknown: bool, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.detail, self.unknown, self.retry_after = detail, unknown, retry_after


class Client:
    """Holds the connection pool. Build one per process, inside its event loop; `close` it at the end.

    `observe(app, outcome, seconds)` is called once per attempt, for metrics.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        observe: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        quiet("httpx")
        self._http = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            # Shorter than the usual five seconds of servers: a connection they are closing is not used again.
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=3),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "lawang"},
        )
        self._observe = observe
        self._clock = clock
        self._sleep = sleep
        self._paces: dict[str, Pace] = {}

    async def close(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def send(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        form: Mapping[str, str | list[str]] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Ask an app one thing; `path` is appended to its base URL.

        What is sent is `body` as JSON, a `form`, or `content` as it is.

        Raises:
            BackendUnreachable: no usable answer in time, or our own rate limit; `outcome_unknown` when a
                writing request may have been carried out.
            BackendChanged: redirected elsewhere, an answer too large, or an address that is none.
        """
        request = self._request(endpoint, method, path, query, headers, body, form, content)
        may_repeat = method == "GET" or IDEMPOTENCY_KEY in request.headers
        deadline = self._clock() + endpoint.timeout_seconds
        pause, unknown = FIRST_PAUSE_SECONDS, False
        for attempt in range(1, ATTEMPTS + 1):
            await self._keep_pace(endpoint, deadline, unknown)
            started = self._clock()
            try:
                answer = await self._attempt(endpoint, request, deadline)
            except _Fault as fault:
                detail = hide(fault.detail, endpoint.credential.value)
                unknown = unknown or (fault.unknown and method != "GET")
                wait = max(pause * random.uniform(0.75, 1.25), fault.retry_after)
                self._note(endpoint, request, "unreachable", started, attempt)
            except BackendChanged:
                self._note(endpoint, request, "changed", started, attempt)
                raise
            else:
                self._note(endpoint, request, str(answer.status), started, attempt)
                return answer
            if not may_repeat or attempt == ATTEMPTS or self._clock() + wait >= deadline:
                break
            await self._sleep(wait)
            pause *= 4
        raise BackendUnreachable(endpoint.app, detail, outcome_unknown=unknown)

    def _request(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        query: Mapping[str, str | list[str]] | None,
        headers: Mapping[str, str] | None,
        body: Any,
        form: Mapping[str, str | list[str]] | None,
        content: bytes | None,
    ) -> httpx.Request:
        credential = endpoint.credential
        all_headers, all_query, all_form = dict(headers or {}), dict(query or {}), dict(form or {})
        match credential.type:
            case "bearer":
                all_headers["Authorization"] = f"Bearer {credential.value}"
            case "header":
                all_headers[credential.name] = credential.value
            case "query":
                all_query[credential.name] = credential.value
            case "form" if form is not None:
                all_form[credential.name] = credential.value
        try:
            return self._http.build_request(
                method,
                endpoint.base_url.rstrip("/") + "/" + path.lstrip("/"),
                params=all_query or None,
                headers=all_headers,
                json=body,
                data=all_form if form is not None else None,
                content=content,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise BackendChanged(endpoint.app, hide(f"cannot be called: {error}", credential.value)) from None

    async def _keep_pace(self, endpoint: Endpoint, deadline: float, unknown: bool) -> None:
        pace = self._paces.get(endpoint.app)
        if pace is None:
            pace = self._paces[endpoint.app] = Pace(endpoint.rate_per_minute, self._clock)
        while (wait := pace.wait_seconds()) > 0:
            if self._clock() + wait >= deadline:
                detail = f"more than {endpoint.rate_per_minute} calls a minute"
                raise BackendUnreachable(endpoint.app, detail, outcome_unknown=unknown)
            await self._sleep(wait)
        pace.take()

    async def _attempt(self, endpoint: Endpoint, request: httpx.Request, deadline: float) -> Answer:
        left = max(0.05, deadline - self._clock())
        connect = min(LONGEST_CONNECT_SECONDS, left * 0.75)
        timeout = httpx.Timeout(left, connect=connect, pool=connect)
        try:
            async with asyncio.timeout(left):
                answer = await self._follow(endpoint, request, timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _Fault(f"no connection ({type(error).__name__})", unknown=False) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise _Fault(f"no answer ({type(error).__name__})", unknown=True) from None
        if answer.status in {408, 425, 429} or answer.status >= 500:
            # 425, 429 and 503 say the request was turned away; any other may come after the work was done.
            turned_away = answer.status in {425, 429, 503}
            raise _Fault(f"status {answer.status}", unknown=not turned_away, retry_after=answer.retry_after)
        if not answer.ok and not 400 <= answer.status < 500:
            raise BackendChanged(endpoint.app, f"unexpected status {answer.status}")
        return answer

    async def _follow(self, endpoint: Endpoint, request: httpx.Request, timeout: httpx.Timeout) -> Answer:
        request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._http.send(request, stream=True)
            try:
                if response.next_request is None:
                    return Answer(
                        endpoint.app,
                        response.status_code,
                        response.headers.get("content-type", ""),
                        await _body(endpoint.app, response),
                        _seconds(response.headers.get("retry-after", "")),
                    )
                here, there = request.url, response.next_request.url
                if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
                    raise BackendChanged(
                        endpoint.app, f"redirects to another host: {there.host} (correct base_url)"
                    )
                if response.next_request.method != request.method:
                    raise BackendChanged(
                        endpoint.app, f"redirects a {request.method} with {response.status_code}"
                    )
                request = response.next_request
                request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
            finally:
                await response.aclose()
        raise BackendChanged(endpoint.app, "redirects in circles")

    def _note(
        self, endpoint: Endpoint, request: httpx.Request, outcome: str, started: float, attempt: int
    ) -> None:
        seconds = self._clock() - started
        logger.info(
            "%s %s %s: %s after %d ms, attempt %d",
            *(
                endpoint.app,
                request.method,
                without_numbers(request.url.path),
                outcome,
                seconds * 1000,
                attempt,
            ),
        )
        if self._observe is not None:
            self._observe(endpoint.app, outcome, seconds)


def _seconds(retry_after: str) -> float:
    """Return a Retry-After given in seconds; a date is not worth the trouble."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0.0


async def _body(app: str, response: httpx.Response) -> bytes:
    """Read at most MAX_ANSWER_BYTES, after decompression: a small bomb must not fill the memory."""
    if response.is_stream_consumed:
        if len(response.content) > MAX_ANSWER_BYTES:
            raise BackendChanged(app, f"answer larger than {MAX_ANSWER_BYTES} bytes")
        return response.content
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "deflate", ""}:
        raise BackendChanged(app, f"answer in an encoding nobody asked for: {encoding[:20]}")
    inflate = zlib.decompressobj(wbits=47) if encoding in {"gzip", "deflate"} else None
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += inflate.decompress(chunk, MAX_ANSWER_BYTES + 1 - len(body)) if inflate else chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise BackendChanged(app, f"answer larger than {MAX_ANSWER_BYTES} bytes")
    except zlib.error:
        raise BackendChanged(app, "answer whose compression is broken") from None
    return bytes(body)
