"""Pictures leave their place and camera behind, and everything else that is no picture is refused."""

import io
import warnings
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bot.storage import media, pictures
from bot.storage.database import Database
from bot.storage.media import MediaRefused, MediaStore


@pytest.fixture
def store(database: Database, tmp_path: Path) -> MediaStore:
    """A store in a folder of its own."""
    return MediaStore(tmp_path / "media", database)


def encoded(kind: str = "JPEG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 0).save(out, kind, **more)
    return out.getvalue()


def tagged() -> bytes:
    """A JPEG as a phone makes it: turned, with a place, a camera and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "KAMERA-RAHASIA"
    exif.get_ifd(0x8825)[2] = (7.0, 28.0, 11.0)
    return encoded(exif=exif, comment=b"KOMENTAR-RAHASIA", icc_profile=b"PROFIL-RAHASIA" * 20)


async def test_a_picture_keeps_nothing_but_its_pixels(store: MediaStore) -> None:
    media_id = await store.save(tagged(), "image/jpeg")
    data = store.path(media_id).read_bytes()
    assert b"RAHASIA" not in data
    with Image.open(io.BytesIO(data)) as picture:
        assert not picture.getexif()
        assert picture.size == (20, 40), "turned upright"


def placed(
    latitude: tuple[float, ...], south: str, longitude: tuple[float, ...], kind: str = "JPEG"
) -> bytes:
    """A picture whose camera knew where it was."""
    exif = Image.Exif()
    exif[0x010F] = "KAMERA-RAHASIA"
    gps = exif.get_ifd(0x8825)
    gps.update({1: south, 2: latitude, 3: "E", 4: longitude})
    return encoded(kind, exif=exif)


HERE = ((7.0, 28.0, 19.92), "S", (112.0, 26.0, 2.76))


@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "PNG", "WEBP"])
async def test_where_a_picture_was_taken_is_known_apart_from_it(store: MediaStore, kind: str) -> None:
    media_id = await store.save(placed(*HERE, kind=kind), f"image/{kind.lower()}")
    assert await store.taken_at(media_id) == {"latitude": -7.4722, "longitude": 112.4341}
    with Image.open(store.path(media_id)) as picture:
        assert not picture.getexif()


@pytest.mark.parametrize(
    "data",
    [tagged(), placed((0, 0, 0), "N", (0, 0, 0)), placed((95.0, 0, 0), "N", (10.0, 0, 0)), encoded()],
    ids=["half a place", "no fix", "off the globe", "no tags"],
)
async def test_a_place_that_is_none_is_none(store: MediaStore, data: bytes) -> None:
    assert await store.taken_at(await store.save(data, "image/jpeg")) == {}


async def test_the_largest_picture_of_a_telephone_is_taken(store: MediaStore) -> None:
    """108 megapixels, nearly 20 MB on the way."""
    data = encoded(size=(12000, 9000))
    media_id = await store.save(data + b"\x00" * (19_900_000 - len(data)), "image/jpeg")
    with Image.open(store.path(media_id)) as picture:
        assert max(picture.size) == pictures.LONGEST_SIDE


USUAL = [("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("GIF", "P"), ("JPEG", "CMYK"), ("JPEG", "L"),
         ("PNG", "I;16"), ("HEIF", "RGB")]  # fmt: skip


@pytest.mark.parametrize(("kind", "mode"), USUAL)
async def test_every_usual_picture_becomes_a_jpeg(store: MediaStore, kind: str, mode: str) -> None:
    media_id = await store.save(encoded(kind, mode=mode), f"image/{kind.lower()}")
    found = await store.find(media_id)
    assert found is not None
    assert found[1] == "image/jpeg"
    assert found[0].read_bytes().startswith(b"\xff\xd8")


async def test_a_huge_picture_is_shrunk(store: MediaStore) -> None:
    media_id = await store.save(encoded(size=(5000, 100)), "image/jpeg")
    with Image.open(store.path(media_id)) as picture:
        assert max(picture.size) == pictures.LONGEST_SIDE


def broken_png() -> bytes:
    """Its header is right, its pixels are not."""
    return encoded("PNG")[:41] + b"\x00" * 60


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        encoded()[:200],
        broken_png(),
        encoded("TIFF"),
        b"\xff\xd8\xff" + b"\x00" * 5000,
    ],
    ids=["empty", "words", "svg", "eps", "cut off", "broken png", "tiff", "zeros"],
)
async def test_what_is_no_usual_picture_is_refused(store: MediaStore, data: bytes) -> None:
    with pytest.raises(MediaRefused) as caught:
        await store.save(data, "image/jpeg")
    assert caught.value.text_key == "media.not_a_picture"


async def test_what_is_too_big_is_refused(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaRefused) as caught:
        await store.save(b"x" * (media.MAX_BYTES + 1), "application/pdf")
    assert caught.value.text_key == "media.too_big"
    monkeypatch.setattr(pictures, "MAX_JPEG_PIXELS", 100)
    with pytest.raises(MediaRefused) as caught:
        await store.save(encoded(), "image/jpeg")
    assert caught.value.text_key == "media.too_big"


async def test_a_bomb_is_refused(store: MediaStore) -> None:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("1", (30_000, 30_000)).save(out, "PNG", pnginfo=PngImagePlugin.PngInfo())
        with pytest.raises(MediaRefused):
            await store.save(out.getvalue(), "image/png")


async def test_a_file_belongs_to_whom_sent_it_first(store: MediaStore, database: Database) -> None:
    media_id = await store.save(encoded(), "image/jpeg")
    async with database.transaction() as conn:
        await store.adopt(conn, [media_id], "a" * 32)
        await store.adopt(conn, [media_id], "b" * 32)
    found = await store.find(media_id)
    assert found is not None
    assert found[2] == "a" * 32


async def test_an_unknown_file_is_nothing(store: MediaStore) -> None:
    assert await store.find("f" * 32) is None
    assert await store.find("../../etc/passwd") is None
    with pytest.raises(ValueError, match="hex"):
        store.path("../../etc/passwd")


async def test_sweeping_deletes_only_what_was_erased(store: MediaStore, database: Database) -> None:
    kept, erased = (
        await store.save(encoded(), "image/jpeg", "a" * 32),
        await store.save(encoded(), "image/jpeg", media.ERASED),
    )
    assert await store.find(erased) is None
    assert await store.sweep() == 1
    assert await store.sweep() == 0
    assert store.path(kept).exists()
    assert not store.path(erased).exists()
