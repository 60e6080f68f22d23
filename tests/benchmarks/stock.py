"""The baseline: a stock Rasa project on the same training data.

Its pipeline and policies are the ones Rasa 3.6.21 writes into a config.yml without any (its
default_config.yml), its channel is Rasa's REST, its tracker store Rasa's own in memory. Sentences, rules,
intents, slots and forms are ours; three stories are added, as `rasa init` has three, because TED and
UnexpecTED learn from stories only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from bot.settings import ROOT

RASA = ROOT / ".venv-rasa" / "bin" / "rasa"
EPOCHS = int(os.environ.get("BENCH_STOCK_EPOCHS", "10"))
TRAINING_SECONDS = 3600
CONFIG = """
recipe: default.v1
assistant_id: stock
language: id
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
  - name: DIETClassifier
    epochs: {epochs}
    constrain_similarities: true
  - name: EntitySynonymMapper
  - name: ResponseSelector
    epochs: {epochs}
    constrain_similarities: true
  - name: FallbackClassifier
    threshold: 0.3
    ambiguity_threshold: 0.1
policies:
  - name: MemoizationPolicy
  - name: RulePolicy
  - name: UnexpecTEDIntentPolicy
    max_history: 5
    epochs: 100
  - name: TEDPolicy
    max_history: 5
    epochs: 100
    constrain_similarities: true
"""
STORIES = """
version: "3.1"
stories:
  - story: one question
    steps:
      - intent: greet
      - action: action_greet
      - intent: ask_requirements
      - action: action_service_requirements
      - intent: thanks
      - action: action_say_thanks
  - story: two questions
    steps:
      - intent: ask_requirements
      - action: action_service_requirements
      - intent: ask_hours_location
      - action: action_service_place
      - intent: goodbye
      - action: utter_goodbye
  - story: help first
    steps:
      - intent: help
      - action: action_help
      - intent: ask_cost_duration
      - action: action_service_cost
"""


def generate(folder: Path, actions_url: str) -> None:
    """Write the project: our data, Rasa's defaults."""
    for name in ("data", "domain"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for path in ROOT.glob("intents/*/nlu/*.yml"):
        shutil.copy(path, folder / "data" / f"nlu_{path.name}")
    for path in ROOT.glob("data/rules/*.yml"):
        shutil.copy(path, folder / "data" / f"rules_{path.name}")
    for path in ROOT.glob("intents/*/domain.yml"):
        shutil.copy(path, folder / "domain" / f"{path.parent.name}.yml")
    responses = {key: [{"custom": {"text_key": key}}] for key in _responses()}
    domain = {"version": "3.1", "responses": responses}
    (folder / "domain" / "responses.yml").write_text(yaml.safe_dump(domain), encoding="utf-8")
    (folder / "data" / "stories.yml").write_text(STORIES, encoding="utf-8")
    # Training time is all that epochs change: the same matrices are multiplied afterwards.
    config = CONFIG.format(epochs=EPOCHS)
    (folder / "config.yml").write_text(config, encoding="utf-8")
    (folder / "credentials.yml").write_text("rest:\n", encoding="utf-8")
    (folder / "endpoints.yml").write_text(f"action_endpoint:\n  url: {actions_url}\n", encoding="utf-8")


def _responses() -> list[str]:
    named: set[str] = set()
    for path in (ROOT / "data" / "texts" / "id").glob("*.yml"):
        texts = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        named.update(str(key) for key in texts if str(key).startswith("utter_"))
    return sorted(named)


def trained(folder: Path, cache: Path) -> tuple[Path, dict[str, float]]:
    """Train the project, or take the model of the same data from the cache; also what it took.

    BENCH_STOCK_MODEL names a model of earlier data to use instead: a few sentences more change no speed.

    Raises:
        RuntimeError: Rasa refused the project.
    """
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("data/*"), *folder.glob("domain/*"), folder / "config.yml"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    cache = cache.resolve()
    given = os.environ.get("BENCH_STOCK_MODEL")
    model = Path(given).resolve() if given else cache / f"stock-{digest.hexdigest()[:16]}.tar.gz"
    took = model.with_suffix(".seconds")
    if not model.exists():
        cache.mkdir(parents=True, exist_ok=True)
        print(
            f"training the stock model ({EPOCHS} epochs; once for these data) ...",
            file=sys.stderr,
            flush=True,
        )
        started = time.monotonic()
        options = ["--domain", "domain", "--data", "data", "--config", "config.yml", "--out", str(cache)]
        run = subprocess.run(
            [RASA, "train", *options, "--fixed-model-name", model.name.removesuffix(".tar.gz")],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=TRAINING_SECONDS,
        )
        if run.returncode != 0 or not model.exists():
            raise RuntimeError(f"rasa train failed:\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}")
        took.write_text(f"{time.monotonic() - started:.1f}")
    return model, {
        "epochs": EPOCHS,
        "seconds": float(took.read_text()),
        "megabytes": model.stat().st_size / 1e6,
    }


def environment() -> dict[str, str]:
    """What stock Rasa is started with: nothing of ours, and nothing that calls out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAWANG_", "RASA_"))}
    return {**kept, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}


def command(model: Path, port: int) -> list[str]:
    """Stock `rasa run` for a project's folder, on the loopback interface only."""
    options = ["--model", str(model), "--port", str(port), "--interface", "127.0.0.1"]
    return [str(RASA), "run", *options, "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
