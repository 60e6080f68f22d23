"""Look over what people taught: every mistake in training sentences, holdout and labels, all in one
report."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from intents import catalog as catalogue
from intents import evaluation, kinds, sentences
from intents.masking import mask
from intents.normaliser import fold
from intents.sentences import ROOT, Sentence

FEWEST = 12
NEAR = 0.9


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, and what to do about it."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def check(root: Path = ROOT) -> list[Problem]:
    """Return all mistakes, sorted by file. An unreadable file is a mistake, not an exception."""
    problems: list[Problem] = []
    try:
        catalog = catalogue.load(root)
    except catalogue.CatalogError as error:
        return [Problem(root / "data", str(error))]
    taught: list[Sentence] = []
    for path in sentences.files(root):
        try:
            taught += sentences.read_file(path)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(Problem(path, f"cannot be read: {error}"))
    problems += _names(taught, root)
    problems += _few(taught)
    problems += _twice(taught)
    problems += _personal(taught)
    problems += _unknown(taught, catalog)
    problems += _leaks(taught, root)
    return sorted(dict.fromkeys(problems), key=lambda problem: (str(problem.path), problem.text))


def domain_intents(root: Path = ROOT) -> set[str]:
    """Return the intents that the domain files name."""
    named: set[str] = set()
    for path in sorted(root.glob("intents/*/domain.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        named |= {
            entry if isinstance(entry, str) else next(iter(entry)) for entry in document.get("intents", [])
        }
    return named


def _names(taught: list[Sentence], root: Path) -> Iterator[Problem]:
    named = domain_intents(root)
    for path, intent in sorted({(s.path, s.intent) for s in taught}):
        if path.stem != intent:
            yield Problem(path, f"holds intent {intent}: one file per intent, named after it")
        if named and intent not in named:
            yield Problem(path, f"intent {intent} stands in no intents/<family>/domain.yml")


def _few(taught: list[Sentence]) -> Iterator[Problem]:
    counted: dict[tuple[Path, str], int] = defaultdict(int)
    for sentence in taught:
        counted[sentence.path, sentence.intent] += 1
    for (path, intent), number in counted.items():
        if number < FEWEST:
            yield Problem(path, f"{intent} has {number} sentences, at least {FEWEST} are needed")


def _twice(taught: list[Sentence]) -> Iterator[Problem]:
    seen: dict[str, Sentence] = {}
    for sentence in taught:
        plain = " ".join(sentence.text.lower().split())
        first = seen.setdefault(plain, sentence)
        if first is sentence:
            continue
        if first.intent != sentence.intent:
            yield Problem(sentence.path, f"{sentence.text!r} also stands in {first.intent}")
        elif (first.service, first.topic) == (sentence.service, sentence.topic):
            yield Problem(sentence.path, f"{sentence.text!r} stands there twice")


def _personal(taught: list[Sentence]) -> Iterator[Problem]:
    for sentence in taught:
        kinds = sorted({found.kind for found in mask(sentence.text).found})
        if kinds:
            yield Problem(
                sentence.path, f"personal data ({', '.join(kinds)}) in {mask(sentence.text).text!r}"
            )


def _unknown(taught: list[Sentence], catalog: catalogue.Catalog) -> Iterator[Problem]:
    for sentence in taught:
        if sentence.service and sentence.service not in catalog.services:
            yield Problem(sentence.path, f"service {sentence.service} is not in data/catalogue")
        if sentence.topic and sentence.topic not in catalog.topics:
            yield Problem(sentence.path, f"topic {sentence.topic} is not in data/topics")
        if sentence.kind and sentence.kind not in kinds.KINDS:
            yield Problem(sentence.path, f"kind {sentence.kind} is none of {', '.join(kinds.KINDS)}")


def _leaks(taught: list[Sentence], root: Path) -> Iterator[Problem]:
    """Find held-out messages that also stand, or nearly stand, among the training sentences."""
    held = [(path, message) for path in evaluation.files(root) for message in evaluation.messages(path)]
    if not held:
        return
    by_word: dict[str, set[int]] = defaultdict(set)
    grams = []
    for i, sentence in enumerate(taught):
        plain = _plain(sentence.text)
        grams.append(_grams(plain))
        for word in set(plain.split()):
            by_word[word].add(i)
    exact = {_plain(sentence.text): sentence for sentence in taught}
    for path, message in held:
        plain = _plain(message.text)
        if len(plain.split()) < 3:
            continue
        if plain in exact:
            yield Problem(path, f"{message.text!r} is a training sentence of {exact[plain].intent}")
            continue
        own = _grams(plain)
        rare = sorted(set(plain.split()), key=lambda word: len(by_word.get(word, ())))[:3]
        for i in set().union(*(by_word.get(word, set()) for word in rare)):
            shared = 2 * len(own & grams[i]) / (len(own) + len(grams[i]))
            if shared >= NEAR:
                yield Problem(path, f"{message.text!r} is nearly the training sentence {taught[i].text!r}")
                break


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w\[\]]+", fold(text)))


def _grams(plain: str) -> set[str]:
    padded = f" {plain} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
