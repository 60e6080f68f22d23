"""Train the Rasa model when what it learns from has changed: `python -m intents.trainer` in Rasa's
environment.

The fingerprint covers everything a model is made of, and nothing else: of the texts only the names of the
responses, so that editing a sentence trains nothing. `is_current` needs no Rasa and answers in milliseconds.
"""

import argparse
import hashlib
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
LEARNED_FROM = (
    "config.yml",
    "domain.yml",
    "intents/*/domain.yml",
    "intents/*/nlu/*.yml",
    "intents/pipeline/*.py",
    "intents/normaliser.py",
    "intents/grams.py",
    "intents/signs.py",
    "intents/reading.py",
    "intents/sentences.py",
    "intents/policy.py",
    "data/catalogue/*.yml",
    "data/topics/*.yml",
    "data/language/*.yml",
    "data/rules/*.yml",
    "data/stories/*.yml",
)
KEPT_MODELS = 3


def fingerprint(root: Path = ROOT) -> str:
    """Return one digest over everything the model learns from."""
    digest = hashlib.sha256()
    for pattern in LEARNED_FROM:
        for path in sorted(root.glob(pattern)):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    for path in sorted((root / "data" / "texts" / "id").glob("*.yml")):
        texts = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        digest.update("\0".join(sorted(key for key in texts if str(key).startswith("utter_"))).encode())
    return digest.hexdigest()[:16]


def model_path(root: Path = ROOT) -> Path:
    """Where the model of the present data belongs."""
    return root / "models" / f"lawang-{fingerprint(root)}.tar.gz"


def is_current(root: Path = ROOT) -> bool:
    """Say whether the present data has been trained already."""
    return model_path(root).exists()


def train(root: Path = ROOT) -> Path:
    """Train and keep the newest models.

    Raises:
        SystemExit: Rasa refused the data; its reason is on the screen.
    """
    from intents import shortcuts

    os.chdir(root)
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    # Rasa's progress bars ask this variable; a bar per rule would drown what matters.
    os.environ["LOG_LEVEL"] = "ERROR"
    warnings.showwarning = lambda *args, **kwargs: None
    shortcuts.skip_tensorflow(root / "config.yml")

    from rasa.model_training import train as train_with_rasa
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rasa").setLevel(logging.WARNING)
    wanted = model_path(root)
    wanted.parent.mkdir(exist_ok=True)
    # Written elsewhere and moved when whole: a server that starts meanwhile never meets half a model.
    with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=".training-") as folder:
        result = train_with_rasa(
            domain="domain.yml",
            config="config.yml",
            training_files=["data"],
            output=folder,
            fixed_model_name=wanted.name.removesuffix(".tar.gz"),
        )
        made = Path(folder) / wanted.name
        if result.code != 0 or not made.exists():
            sys.exit("training failed: see the lines above")
        made.replace(wanted)
    for old in sorted(wanted.parent.glob("lawang-*.tar.gz"), key=lambda path: -path.stat().st_mtime)[
        KEPT_MODELS:
    ]:
        old.unlink()
    return wanted


def main() -> int:
    """Train if needed; `--force` always, `--check` only tells by the exit code (0 current, 3 outdated)."""
    parser = argparse.ArgumentParser(prog="intents.trainer", description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even if nothing changed")
    parser.add_argument(
        "--check", action="store_true", help="train nothing; exit 3 when the model is out of date"
    )
    given = parser.parse_args()
    if given.check:
        return 0 if is_current() else 3
    if is_current() and not given.force:
        os.utime(model_path())
        sys.stdout.write(f"model is up to date: {model_path().name}\n")
        return 0
    start = time.monotonic()
    sys.stdout.write("training the model ...\n")
    sys.stdout.flush()
    path = train()
    sys.stdout.write(f"trained {path.name} in {time.monotonic() - start:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
