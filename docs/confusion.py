"""Draw which wish is taken for which: `.venv-rasa/bin/python docs/confusion.py` → docs/images/confusion.png.

The held-out messages, read by the newest model. Runs in Rasa's environment, which has matplotlib.
"""

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import matplotlib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
NOW = datetime.fromisoformat("2026-11-23T08:00:00+07:00")


def main() -> None:
    """Read all messages and draw one square for each pair of truth and reading."""
    from intents import evaluation, parse

    matplotlib.use("Agg")
    from matplotlib import pyplot

    reader = parse.load_reader(parse.newest_model(ROOT / "models"))
    seen: Counter[tuple[str, str]] = Counter()
    for message in evaluation.messages():
        guess = reader.read(message.text, NOW)["intent"]["name"]
        seen[guess if guess in message.intents else message.intents[0], guess] += 1
    intents = sorted({name for pair in seen for name in pair})
    of = Counter({intent: sum(n for (truth, _), n in seen.items() if truth == intent) for intent in intents})
    shares = [[seen[truth, guess] / max(1, of[truth]) for guess in intents] for truth in intents]
    figure, axes = pyplot.subplots(figsize=(13, 12))
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    axes.set_xticks(range(len(intents)), intents, rotation=90, fontsize=8)
    axes.set_yticks(range(len(intents)), [f"{intent}  {of[intent]}" for intent in intents], fontsize=8)
    for row, truth in enumerate(intents):
        for column, guess in enumerate(intents):
            if count := seen[truth, guess]:
                colour = "white" if shares[row][column] > 0.6 else "black"
                axes.text(column, row, count, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xlabel("read as")
    axes.set_ylabel("meant (held-out messages)")
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "images" / "confusion.png", dpi=110)


if __name__ == "__main__":
    main()
