"""Training sentences as they lie in `intents/<family>/nlu/<intent>.yml`, read without Rasa."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One training sentence with what it means, and the file it stands in; `kind` is that of a danger."""

    text: str
    intent: str
    service: str | None
    topic: str | None
    path: Path
    kind: str | None = None


def files(root: Path = ROOT) -> list[Path]:
    """Return the training files, in a fixed order."""
    return sorted(root.glob("intents/*/nlu/*.yml"))


def read(root: Path = ROOT) -> Iterator[Sentence]:
    """Yield all training sentences.

    Raises:
        ValueError: a file is not in Rasa's training format; the message names it.
    """
    for path in files(root):
        yield from read_file(path)


def read_file(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of one file; both of Rasa's forms of `examples` are read."""
    try:
        document: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("nlu"), list):
        raise ValueError(f"{path}: no `nlu:` list")
    for entry in document["nlu"]:
        if not isinstance(entry, dict) or "intent" not in entry:
            continue
        examples = entry.get("examples") or []
        if isinstance(examples, str):
            for line in examples.splitlines():
                if line.startswith("- "):
                    yield Sentence(line[2:].strip(), entry["intent"], None, None, path)
            continue
        for example in examples:
            extra = example.get("metadata") or {}
            about = extra.get("service"), extra.get("topic")
            yield Sentence(str(example["text"]).strip(), entry["intent"], *about, path, extra.get("kind"))
