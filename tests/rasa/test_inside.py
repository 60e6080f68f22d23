"""Run the tests of Rasa's environment with its Python: this one has neither Rasa nor numpy."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="Rasa's environment is not set up (make setup)")
@pytest.mark.parametrize("module", ["inside", "meaning"])
def test_inside_rasas_environment(module: str) -> None:
    run = subprocess.run(
        [PYTHON, "-m", "unittest", f"tests.rasa.{module}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr[-6000:]
