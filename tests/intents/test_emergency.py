"""The guard: messages of our own, with the kind it must name, or - where it must stay silent."""

from pathlib import Path

import pytest

from intents import emergency, evaluation

TABLE = [
    line.split("\t") for line in (Path(__file__).parent / "emergencies.tsv").read_text("utf-8").splitlines()
]
RISING = {
    ("disaster", "tembok sekolah roboh ada anak tertimbun"),
    ("crime", "anak tetangga diculik pakai mobil hitam"),
}


@pytest.mark.parametrize(("kind", "text"), TABLE)
def test_the_guard_knows_danger_from_talk_of_it(kind: str, text: str) -> None:
    found = emergency.check(text, alone=True)
    if kind == "-":
        assert found is None
    elif (kind, text) in RISING:
        assert found is not None
    else:
        assert found is not None
        assert found.kind == kind


@pytest.mark.parametrize("text", ["", "   ", "?!?!", "\U0001f525\U0001f525", "a" * 5000, "tolong " * 700])
def test_no_text_breaks_the_guard(text: str) -> None:
    emergency.check(text)


def test_crisis_has_its_own_number_key() -> None:
    found = emergency.check("saya mau bunuh diri")
    assert found is not None
    assert (found.kind, found.number_key) == ("self_harm", "crisis")


def test_the_guard_holds_on_harder_messages() -> None:
    """`emergencies_dev.tsv`: mild wordings and near misses, the development set for the guard's data."""
    path = Path(__file__).parent / "emergencies_dev.tsv"
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    raised = [(kind != "-", emergency.check(text, alone=True) is not None) for kind, text in rows]
    caught = sum(truth and alarm for truth, alarm in raised)
    assert caught / sum(truth for truth, _ in raised) >= 0.85
    assert caught / sum(alarm for _, alarm in raised) >= 0.85


def test_the_guard_holds_on_messages_of_other_hands() -> None:
    """A floor under what the guard alone reaches on the held-out messages; docs/understanding.md has the
    figures."""
    held = [
        (bool(message.emergency), emergency.check(message.text, alone=True) is not None)
        for message in evaluation.messages()
    ]
    caught = sum(truth and raised for truth, raised in held)
    assert caught / sum(truth for truth, _ in held) >= 0.8
    assert caught / sum(raised for _, raised in held) >= 0.8


@pytest.mark.parametrize(
    "answer", ["ada", "lagi", "mati", "terbalik", "jatuh", "sudah", "iya", "anak", "rumah"]
)
def test_one_word_of_an_answer_is_no_alarm(answer: str) -> None:
    assert emergency.check(answer, alone=True) is None


@pytest.mark.parametrize("cry", ["kebakaran", "kebakaran!!", "KECELAKAAN", "tolooong"])
def test_one_word_of_alarm_is_enough(cry: str) -> None:
    assert emergency.check(cry) is not None


def test_the_guard_speaks_at_less_where_nobody_is_asked_after_it() -> None:
    assert emergency.threshold(alone=True) < emergency.threshold()
    rising = "kabel listrik jatuh ke jalan masih nyetrum"
    assert emergency.check(rising) is None
    assert emergency.check(rising, alone=True) is not None
