"""`lawang chat --jsonl` against a running front door: the shapes other programs rely on."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.settings import ROOT
from tests.e2e.conftest import Stage


def lines(url: str, *said: Any, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What the terminal client prints for these lines."""
    text = "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in said)
    command = [sys.executable, "-m", "bot.chat", "--jsonl", "--url", url, *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_kind_of_line_is_answered(stage: Stage, tmp_path: Path) -> None:
    photo = tmp_path / "lampu.png"
    Image.new("RGB", (40, 30), "teal").save(photo)
    said = [
        {"text": "halo"},
        {"button": "lapor masalah"},
        {"text": "lampu mati"},
        {"location": {"lat": -7.4722, "lon": 112.4338}},
        {"photo": str(photo)},
        {"button": "/affirm"},
    ]
    answers = lines(stage.url, *said)
    assert len(answers) == len(said)
    for answer in answers:
        assert answer.keys() == {"replies", "owner", "ms"}
        assert answer["owner"] == "bot"
        assert answer["ms"] > 0
        assert [reply.keys() for reply in answer["replies"]] == [{"text", "buttons", "attachments"}]
    assert answers[0]["replies"][0]["buttons"] == [
        {"title": "Cari layanan", "payload": "/find_service"},
        {"title": "Lapor masalah", "payload": "/report_complaint"},
    ]
    assert "CNI-2026-0412" in answers[-1]["replies"][0]["text"]


@pytest.mark.parametrize(
    "line",
    [
        "bukan json",
        "[]",
        {},
        {"text": "a", "button": "b"},
        {"button": "tidak ada"},
        {"photo": "/tidak/ada.jpg"},
        {"location": {"lat": 91, "lon": 0}},
        {"location": "sini"},
        {"text": ""},
        {"text": "a" * 5001},
    ],
    ids=str,
)
def test_a_line_that_cannot_be_sent_gets_an_error_and_the_talk_goes_on(stage: Stage, line: Any) -> None:
    bad, good = lines(stage.url, line, {"text": "tirukan masih di sini"})
    assert bad["replies"] == []
    assert bad["error"]
    assert "masih di sini" in good["replies"][0]["text"]
    assert "error" not in good


def test_listening_prints_what_the_city_says_by_itself(stage: Stage) -> None:
    def later() -> None:
        time.sleep(4)
        stage.push("Antrean A-012 dipanggil.")

    speaking = threading.Thread(target=later)
    speaking.start()
    answers = lines(stage.url, {"text": "tirukan satu"}, options=("--listen", "8"))
    speaking.join()
    pushed = [reply["text"] for answer in answers[1:] for reply in answer["replies"]]
    assert pushed == ["Antrean A-012 dipanggil."]


def test_a_person_types_numbers_titles_and_places(stage: Stage) -> None:
    said = (
        "halo\n2\nlampu mati\n/place sini\n/place -7.4722,112.4338\n"
        "halo\ncari layanan\n/photo /tidak/ada.jpg\n"
    )
    command = [sys.executable, "-m", "bot.chat", "--url", stage.url]
    done = subprocess.run(command, input=said, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "2. Lapor masalah" in done.stdout
    assert done.stdout.count("Baik, sudah kami catat.") == 2
    assert "a place is LAT,LON" in done.stdout
    assert "Lokasi diterima" in done.stdout
    assert "/tidak/ada.jpg: No such file" in done.stdout


def test_another_tenant_answers_as_itself(stage: Stage) -> None:
    (answer,) = lines(stage.url, {"text": "halo"}, options=("--tenant", "kota_kupang"))
    assert "Kota Kupang" in answer["replies"][0]["text"]


def test_nobody_there_is_one_line_with_the_remedy() -> None:
    command = [sys.executable, "-m", "bot.chat", "--jsonl", "--url", "http://127.0.0.1:9"]
    done = subprocess.run(command, input="", capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_killed_in_mid_turn_answers_once_it_is_back(own_stage: Stage) -> None:
    def restart() -> None:
        time.sleep(2.5)
        own_stage.kill()
        own_stage.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    said = [{"text": f"tirukan nomor {number}"} for number in range(12)]
    answers = lines(own_stage.url, *said)
    restarting.join()
    heard = [[reply["text"].split("\n")[0] for reply in answer["replies"]] for answer in answers]
    assert heard == [[f"Bapak/Ibu menulis: nomor {number}"] for number in range(12)]
