"""Run tests/rasa/inside.py with Rasa's Python: this environment has no Rasa."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="Rasa's environment is not set up (make setup)")
def test_inside_rasas_environment() -> None:
    run = subprocess.run(
        [PYTHON, "-m", "unittest", "tests.rasa.inside"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stderr[-6000:]
