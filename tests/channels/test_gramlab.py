"""Long polling against gramlab, a strict Bot API server of somebody else: order, restart, rivals, groups.

It refuses `disable_notification`, never says 429 and lets nobody send an album: those are tried against
Telemelya.
gramlab needs Python 3.13 and a machine that shows nothing but loopback, so it runs with its own interpreter
in a network namespace. Where one of these cannot be had, the test says so and is left out.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aiogram.types
import pytest

from bot.channels.telegram import updates
from tests.channels.botapi import judge_call

GRAMLAB = "gramlab==0.1.0a2"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory):
    """A Python that has gramlab."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    python = next((str(path) for path in pyenv.glob("3.13.*/bin/python3.13")), "3.13")
    uv = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    folder = tmp_path_factory.mktemp("gramlab") / "venv"
    install = ["pip", "install", "--quiet", "--prerelease=allow", "--python", str(folder), GRAMLAB]
    for command in (["venv", "--no-python-downloads", "--python", python, str(folder)], install):
        done = subprocess.run([uv, *command], capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"no Python 3.13 with {GRAMLAB} here: {done.stderr.strip()[:200]}")
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def alone():
    """The command that shuts a program into a network of its own."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*command, "ip", "link", "set", "lo", "up"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespace here: {error}")
    return [*command, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def test_a_dialogue_survives_a_rival_and_a_restart_in_order(interpreter, alone, tmp_path):
    calls = tmp_path / "calls.jsonl"
    environment = {
        **os.environ,
        "LAWANG_VAR": str(tmp_path / "var"),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "TELEGRAM_MODE": "polling",
    }
    stage = [interpreter, Path(__file__).with_name("gramlab_stage.py"), tmp_path]
    bot = [sys.executable, "-m", "tests.channels.running", calls]
    done = subprocess.run(
        [*alone, *map(str, stage + bot)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["press answered"]
    assert len(seen["group"]) == 1
    assert "obrolan langsung" in seen["group"][0]
    texts = seen["answers"]
    assert "/privasi" in texts[0]
    assert "/affirm" in texts[2]
    assert [text.rpartition(": ")[2] for text in texts[3:]] == [f"antri {number}" for number in range(4)]

    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    judged = [
        bad for line in lines for bad in judge_call(line["method"], line["parameters"], set(line["files"]))
    ]
    assert judged == []
    received = [
        item
        for line in lines
        if line["method"] == "getUpdates" and line["code"] == 200
        for item in json.loads(line["body"])["result"]
    ]
    for item in received:
        aiogram.types.Update.model_validate(item)
        updates.read(item, "x")
    assert len(received) >= 9
