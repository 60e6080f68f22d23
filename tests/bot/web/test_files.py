"""A signed address opens one file, and only that one."""

import httpx
import pytest

from bot.conversations import speech
from bot.door import Door
from bot.storage import media


@pytest.fixture
async def file(door: Door) -> str:
    """A file that somebody sent."""
    return await door.media.save(b'{"a": 1}', "application/json", "a" * 32)


def address(door: Door, media_id: str) -> str:
    return speech.media_url(door, media_id).removeprefix(door.settings.public_url)


async def test_the_address_we_gave_out_opens_the_file(
    client: httpx.AsyncClient, door: Door, file: str
) -> None:
    answer = await client.get(address(door, file))
    assert answer.status_code == 200
    assert answer.content == b'{"a": 1}'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("signature", ["", "0" * 32, "😀", "%00"])
async def test_another_signature_opens_nothing(client: httpx.AsyncClient, file: str, signature: str) -> None:
    assert (await client.get(f"/media/{file}/{signature}")).status_code == 404


async def test_the_signature_of_one_file_opens_no_other(
    client: httpx.AsyncClient, door: Door, file: str
) -> None:
    other = await door.media.save(b"x", "text/plain")
    signature = address(door, other).rpartition("/")[2]
    assert (await client.get(f"/media/{file}/{signature}")).status_code == 404


@pytest.mark.parametrize("media_id", ["f" * 32, "x", "..", "%2e%2e%2fsecret.key"])
async def test_a_signed_address_of_no_file_is_gone(
    client: httpx.AsyncClient, door: Door, media_id: str
) -> None:
    signature = speech.media_signature(door, media_id)
    assert (await client.get(f"/media/{media_id}/{signature}")).status_code in (404, 410)


async def test_a_file_of_a_forgotten_citizen_is_gone_at_once(client: httpx.AsyncClient, door: Door) -> None:
    media_id = await door.media.save(b"x", "text/plain", media.ERASED)
    assert door.media.path(media_id).exists()
    assert (await client.get(address(door, media_id))).status_code == 410
