"""`lawang parse` as other tools rely on it, and the pipeline's floor on held-out messages. Runs in Rasa's
environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from intents import evaluation, parse

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="Rasa's environment is not set up")


def run(lines: list[str], *options: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [str(PYTHON), "-m", "intents.parse", "--now", "2026-11-23T08:00:00+07:00", *options],
        input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, cwd=ROOT, timeout=120, check=True,  # noqa: E501
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def model() -> Path:
    try:
        newest = parse.newest_model(ROOT / "models")
    except parse.NoModel:
        pytest.skip("no model trained yet")
    return newest


def test_the_shape_is_the_contract(model: Path) -> None:
    lines = [
        "ktp saya hilang, nik 3576010000000001",
        "besok jam 9 pagi",
        "rumah tetangga kebakaran tolong",
        "",
        "\U0001f600",
    ]
    answers = run(lines, "--model", str(model))
    assert len(answers) == len(lines)
    for answer in answers:
        assert list(answer) == [
            "text", "language", "intent", "alternatives", "service", "services", "topic", "entities", "emergency",  # noqa: E501
        ]  # fmt: skip
        assert set(answer["language"]) == {"code", "confidence"}
        assert set(answer["intent"]) == {"name", "confidence"}
        assert all({"entity", "value", "start", "end"} <= set(entity) for entity in answer["entities"])
        assert all(set(service) == {"id", "score"} for service in answer["services"])
    lost, tomorrow, fire, *_ = answers
    assert lost["service"]["id"] == "ktp_hilang"
    assert "[NIK]" in lost["text"]
    assert {"date": "2026-11-24", "time": "09:00"}.items() <= {
        e["entity"]: e["value"] for e in tomorrow["entities"]
    }.items()
    assert fire["emergency"] == {"kind": "fire", "number": "112"}


def test_without_a_model_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(PYTHON), "-m", "intents.parse", "--model", str(tmp_path)], input="halo\n", capture_output=True, text=True,  # noqa: E501
        cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "lawang train" in done.stderr
    assert "Traceback" not in done.stderr


def test_held_out_messages_are_understood(model: Path) -> None:
    held = evaluation.messages()
    answers = run([message.text for message in held], "--model", str(model))
    intent = sum(
        answer["intent"]["name"] in message.intents for message, answer in zip(held, answers, strict=True)
    )
    with_service = [(m, a) for m, a in zip(held, answers, strict=True) if m.services]
    service = sum(bool(a["services"]) and a["services"][0]["id"] in m.services for m, a in with_service)
    assert intent / len(held) >= 0.88
    assert service / len(with_service) >= 0.9
