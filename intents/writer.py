"""Write an intent's training file the same way every time, so that a change shows as the lines it changed.

The form is the one the files in `intents/<family>/nlu/` have: one intent a file, the sentences in the order
given, each as a block text, with what it is about (`service`, `topic` or the `kind` of a danger) below it.
"""

from collections.abc import Iterable
from pathlib import Path

from intents.sentences import Sentence, read_file

HEAD = 'version: "3.1"\nnlu:\n- intent: {intent}\n  examples:\n'


def render(intent: str, sentences: Iterable[Sentence]) -> str:
    """Return the text of the file of `intent`.

    Raises:
        ValueError: a sentence belongs to another intent, or is empty or longer than a line.
    """
    written = [HEAD.format(intent=intent)]
    for sentence in sentences:
        text = sentence.text.strip()
        if sentence.intent != intent:
            raise ValueError(f"{text!r} belongs to {sentence.intent}, not to {intent}")
        if not text or len(text.splitlines()) != 1:
            raise ValueError(f"{text!r}: a sentence is one line")
        written.append(f"  - text: |\n      {text}\n")
        about = (("service", sentence.service), ("topic", sentence.topic), ("kind", sentence.kind))
        labels = [f"      {name}: {label}\n" for name, label in about if label]
        if labels:
            written.append("    metadata:\n" + "".join(labels))
    return "".join(written)


def write(path: Path, sentences: Iterable[Sentence]) -> None:
    """Write the file of one intent, named after it. Raises ValueError as `render` does."""
    path.write_text(render(path.stem, sentences), encoding="utf-8")


def add(path: Path, more: Iterable[Sentence]) -> int:
    """Put the sentences that are not there yet at the end of a file; return how many these were."""
    present = list(read_file(path)) if path.exists() else []
    seen = {(" ".join(s.text.lower().split()), s.service, s.topic) for s in present}
    fresh = []
    for sentence in more:
        key = (" ".join(sentence.text.lower().split()), sentence.service, sentence.topic)
        if key not in seen:
            seen.add(key)
            fresh.append(sentence)
    if fresh:
        write(path, [*present, *fresh])
    return len(fresh)
