"""The city's own sign-in as a running server, and a person who signs in there."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.settings import ROOT
from tests.ports import free_port

PATIENCE_SECONDS = 60


@contextmanager
def running() -> Iterator[str]:
    """Start it and wait until it answers; its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "tests.bot.web.access.issuer", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                httpx.get(f"{issuer}/jwks", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield issuer
    finally:
        process.kill()
        process.wait()


def bend(issuer: str, **how: Any) -> None:
    """Let the next token say something else."""
    httpx.post(f"{issuer}/bend", json=how, trust_env=False).raise_for_status()


async def vouch(browser: httpx.AsyncClient, subject: str, onward: str = "") -> str:
    """Leave for the city, sign in there as `subject`; the path that leads back."""
    away = await browser.get("/agent/masuk/kota", params={"lanjut": onward})
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        at = away.headers["location"]
        assert (await elsewhere.get(at)).status_code == 200
        answer = await elsewhere.post(at, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"
