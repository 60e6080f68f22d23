"""Understanding alone: `lawang parse`, a message inside Rasa, training, the model.

Next to it: stock Rasa's pipeline (DIET) on the same sentences, with the model of the benchmark `turns`.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.settings import ROOT
from intents import evaluation, sentences, trainer
from tests.benchmarks import stock
from tests.benchmarks.figures import Result, Rounds, Series, Table, number, raw

ROUNDS = int(os.environ.get("BENCH_PARSE_ROUNDS", "3"))
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
TEXTS = 300
TRAIN = "import sys, pathlib; from intents import trainer; trainer.train(pathlib.Path(sys.argv[1]))"
LEARNED_FROM = ("config.yml", "domain.yml", "credentials.yml", "endpoints.yml", "data", "intents")


def run() -> Result:
    """Measure ours and stock in turns."""
    with TemporaryDirectory(prefix="lawang-bench-") as folder:
        return _run(Path(folder))


def _run(folder: Path) -> Result:
    (folder / "stock").mkdir()
    stock.generate(folder / "stock", "http://127.0.0.1:1/webhook")
    baseline, training = stock.trained(folder / "stock", ROOT / "var" / "benchmarks")
    ours, seconds = _train(folder / "ours")
    texts = _texts()
    inside: dict[str, Rounds] = {"ours": Rounds(), "stock": Rounds()}
    loads: dict[str, list[float]] = {"ours": [], "stock": []}
    lines, single, first = Rounds(), Rounds(), []
    for _ in range(ROUNDS):
        for name, model in (("ours", ours), ("stock", baseline)):
            found = _inside(model, texts)
            inside[name].series.append(Series(found["milliseconds"], sum(found["milliseconds"]) / 1000))
            loads[name].append(found["load_seconds"])
        with _Pipe(ours) as pipe:
            first.append(pipe.first_seconds)
            single.series.append(pipe.one_by_one(texts))
            lines.series.append(pipe.all_at_once(texts))
    return _result(inside, loads, lines, single, first, ours, seconds, training)


def _texts() -> list[str]:
    """Held-out messages, as citizens write them; the same for both."""
    texts = [message.text for message in evaluation.messages()]
    step = max(1, len(texts) // TEXTS)
    return texts[::step][:TEXTS]


def _train(folder: Path) -> tuple[Path, float]:
    """Train our model from nothing in a folder of its own: no cache, and the model in use is left alone."""
    folder.mkdir()
    for name in LEARNED_FROM:
        (folder / name).symlink_to(ROOT / name)
    started = time.monotonic()
    run = subprocess.run(
        [PYTHON, "-c", TRAIN, folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    models = list((folder / "models").glob("*.tar.gz"))
    if run.returncode != 0 or not models:
        raise RuntimeError(f"training failed:\n{run.stdout[-2000:]}{run.stderr[-3000:]}")
    return models[0], time.monotonic() - started


def _inside(model: Path, texts: list[str]) -> dict[str, Any]:
    run = subprocess.run(
        [PYTHON, "-m", "tests.benchmarks.inside", model],
        cwd=ROOT,
        env=stock.environment(),
        input="\n".join(texts) + "\n",
        capture_output=True,
        text=True,
        timeout=600,
    )
    if run.returncode != 0:
        raise RuntimeError(f"inside.py failed on {model.name}:\n{run.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


class _Pipe:
    """`lawang parse`, talked to through a pipe."""

    def __init__(self, model: Path) -> None:
        self._started = time.perf_counter()
        command = [str(PYTHON), "-m", "intents.parse", "--model", str(model)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.first_seconds = 0.0

    def __enter__(self) -> "_Pipe":
        self._ask("halo")
        self.first_seconds = time.perf_counter() - self._started
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _ask(self, text: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("lawang parse ended")

    def one_by_one(self, texts: list[str]) -> Series:
        """Ask and wait, as a program that uses it would."""
        took = []
        for text in texts:
            begun = time.perf_counter()
            self._ask(text)
            took.append(1000 * (time.perf_counter() - begun))
        return Series(took, sum(took) / 1000)

    def all_at_once(self, texts: list[str]) -> Series:
        """Send everything, then read everything; batches small enough for a pipe's buffers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        started = time.perf_counter()
        for start in range(0, len(texts), 20):
            batch = texts[start : start + 20]
            self._process.stdin.write("\n".join(batch) + "\n")
            self._process.stdin.flush()
            for _ in batch:
                self._process.stdout.readline()
        seconds = time.perf_counter() - started
        return Series([1000 * seconds / len(texts)] * len(texts), seconds)


def _result(
    inside: dict[str, Rounds],
    loads: dict[str, list[float]],
    lines: Rounds,
    single: Rounds,
    first: list[float],
    model: Path,
    seconds: float,
    training: dict[str, float],
) -> Result:
    mine, other = inside["ours"], inside["stock"]
    size = model.stat().st_size / 1e6
    table = Table(
        "Understanding: ours next to stock Rasa's pipeline (DIET)",
        ["", "Lawang", "stock Rasa", "better by"],
        [
            *(
                [
                    f"a message inside Rasa, {figure}, ms",
                    mine.both(figure),
                    other.both(figure),
                    _times(mine, other, figure),
                ]
                for figure in ("p50", "p95")
            ),
            ["messages/s inside Rasa", mine.both("per_second"), other.both("per_second"), ""],
            ["`lawang parse`, lines/s after loading", lines.both("per_second"), "", ""],
            ["`lawang parse`, line by line, p50, ms", single.both("p50"), "", ""],
            ["`lawang parse`, line by line, p95, ms", single.both("p95"), "", ""],
            ["`lawang parse`, start to the first line, s", number(min(first)), "", ""],
            ["import and load inside Rasa, s", number(min(loads["ours"])), number(min(loads["stock"])), ""],
            ["training from nothing, s", number(seconds), f"{number(training['seconds'])} (see note)", ""],
            ["model, MB", number(size), number(training["megabytes"]), ""],
        ],
        f"{ROUNDS} rounds over {TEXTS} held-out messages: median of the rounds (best round); starts: the "
        f"best. Stock Rasa was trained for {training['epochs']:.0f} epochs of DIET, not 100; that changes "
        "its training time and its accuracy, not its speed.",
    )
    figures = {
        "inside": {name: raw(rounds) for name, rounds in inside.items()},
        "load_seconds": loads,
        "pipe_at_once": raw(lines),
        "pipe_one_by_one": raw(single),
        "pipe_first_seconds": first,
        "training_seconds": seconds,
        "model_megabytes": size,
        "sentences": sum(1 for _ in sentences.read()),
        "stock": training,
        "fingerprint": trainer.fingerprint(),
    }
    return Result("parse", [table], figures)


def _times(mine: Rounds, other: Rounds, figure: str) -> str:
    return f"{number(other.middle(figure) / mine.middle(figure))}×"
