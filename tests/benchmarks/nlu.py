"""Our understanding on a public benchmark, next to Rasa's own pipelines: MASSIVE, official split.

`lawang bench nlu --massive FILE [--massive FILE]`: files of MASSIVE (FitzGerald et al. 2023, CC BY 4.0) in
its own format, one JSON object a line with `locale`, `partition`, `intent`, `utt`. They are given, not part
of Lawang. Each pipeline is trained once on the training parts of all files together and asked every test
message.
"""

import json
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.settings import ROOT
from intents.evaluation import Share
from tests.benchmarks import stock
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, raw

EPOCHS = int(os.environ.get("BENCH_MASSIVE_EPOCHS", "10"))
TRAINING_SECONDS = 4 * 3600
COUNTS = """
  - name: WhitespaceTokenizer
  - name: CountVectorsFeaturizer
    max_ngram: 2
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 2
    max_ngram: 5
"""
# Strength and the number of sentences encoded are for these data: strength by the dev part, all encoded.
PIPELINES = {
    "Lawang": """
  - name: intents.pipeline.understanding.Understanding
    strength: 0.3
    encoded: 100000
    keep_thresholds: true
""",
    "Rasa, LogisticRegressionClassifier": COUNTS + "  - name: LogisticRegressionClassifier\n",
    "Rasa, DIETClassifier": f"""
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
  - name: DIETClassifier
    epochs: {EPOCHS}
    entity_recognition: false
    constrain_similarities: true
""",
}


@dataclass(frozen=True)
class Utterance:
    """One line of MASSIVE."""

    locale: str
    part: str
    intent: str
    text: str


def read(paths: Iterable[Path]) -> list[Utterance]:
    """Read files of MASSIVE. Raises KeyError or ValueError for anything else."""
    found = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found.append(Utterance(row["locale"], row["partition"], row["intent"], row["utt"]))
    return found


def run(paths: list[Path]) -> Result:
    """Train and ask each pipeline, one after the other."""
    utterances = read(paths)
    tests = [u for u in utterances if u.part == "test"]
    outcomes = {}
    for name, pipeline in PIPELINES.items():
        with TemporaryDirectory(prefix="lawang-massive-") as folder:
            model, seconds = _train(Path(folder), pipeline, [u for u in utterances if u.part == "train"])
            outcomes[name] = _ask(model, tests) | {
                "training_seconds": seconds,
                "megabytes": model.stat().st_size / 1e6,
            }
            print(f"{name}: trained in {seconds:.0f} s", flush=True)
    return _result(outcomes, tests, len(utterances))


def _train(folder: Path, pipeline: str, utterances: list[Utterance]) -> tuple[Path, float]:
    by_intent: dict[str, list[str]] = defaultdict(list)
    for utterance in utterances:
        by_intent[utterance.intent].append(utterance.text)
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in sorted(by_intent.items()):
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    (folder / "nlu.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = f"recipe: default.v1\nlanguage: id\nassistant_id: massive\npipeline:{pipeline}"
    (folder / "config.yml").write_text(config, encoding="utf-8")
    (folder / "models").mkdir()
    name = "lawang-massive" if "Understanding" in pipeline else "stock-massive"
    options = ["--nlu", "nlu.yml", "--config", "config.yml", "--out", "models", "--fixed-model-name", name]
    started = time.monotonic()
    done = subprocess.run(
        [stock.RASA.with_name("python"), "-m", "rasa", "train", "nlu", *options],
        cwd=folder,
        env={**stock.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TRAINING_SECONDS,
    )
    model = folder / "models" / f"{name}.tar.gz"
    if done.returncode != 0 or not model.exists():
        raise RuntimeError(f"rasa train nlu failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return model, time.monotonic() - started


def _ask(model: Path, tests: list[Utterance]) -> dict[str, Any]:
    done = subprocess.run(
        [stock.RASA.with_name("python"), "-m", "tests.benchmarks.inside", model],
        cwd=ROOT,
        env=stock.environment(),
        input="".join(f"{utterance.text}\n" for utterance in tests),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    if done.returncode != 0:
        raise RuntimeError(f"inside.py failed on {model.name}:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _result(outcomes: dict[str, dict[str, Any]], tests: list[Utterance], count: int) -> Result:
    rows, figures = [], {}
    locales = sorted({utterance.locale for utterance in tests})
    for name, found in outcomes.items():
        shares = {locale: Share() for locale in locales}
        for utterance, guess in zip(tests, found["intents"], strict=True):
            shares[utterance.locale].add(guess == utterance.intent)
        times = Rounds([Series(found["milliseconds"], sum(found["milliseconds"]) / 1000)])
        rows.append(
            [
                name,
                *(f"{100 * share.value:.1f} ({_interval(share)})" for share in shares.values()),
                number(times.middle("p50")),
                number(times.middle("p95")),
                number(found["training_seconds"]),
                number(found["megabytes"]),
                number(found["resident_megabytes"]),
            ]
        )
        figures[name] = {
            "accuracy": {locale: share.value for locale, share in shares.items()},
            "inside": raw(times),
            **{key: found[key] for key in ("training_seconds", "megabytes", "resident_megabytes")},
        }
    columns = [
        "pipeline",
        *(f"{locale}, intent %" for locale in locales),
        "p50, ms",
        "p95, ms",
        "training, s",
        "model, MB",
        "resident, MB",
    ]
    note = (
        f"{len(tests)} test messages of the official split, one model for all of them, times inside Rasa's "
        f"parse, one message at a time; {count} utterances read. DIET had {EPOCHS} epochs, intents only."
    )
    return Result("nlu", [Table("MASSIVE, intent accuracy", columns, rows, note)], figures)


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"{100 * low:.1f}–{100 * high:.1f}"
