"""The bands follow the validation curve, and only their own two lines of the file change."""

import random
from pathlib import Path

import pytest

from intents import thresholds


@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_acts_where_six_of_ten_are_right(scale: float) -> None:
    chance = random.Random(1)
    confidences = [chance.random() for _ in range(6000)]
    act = thresholds.act_from([(c, chance.random() < c * scale) for c in confidences])
    assert act == pytest.approx(min(thresholds.HIGHEST, thresholds.WORTH_ACTING / scale), abs=0.09)


def test_an_empty_curve_gives_the_careful_end() -> None:
    assert thresholds.act_from([]) == thresholds.HIGHEST
    assert thresholds.act_from([(0.9, False)] * 50) == thresholds.HIGHEST


def test_other_numbers_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.yml"
    path.write_text("# why\nact: 0.45\noffer: 0.15\nservice_act: 0.55\n", encoding="utf-8")
    assert thresholds.write(0.6, 0.12, path)
    assert path.read_text(encoding="utf-8") == "# why\nact: 0.60\noffer: 0.12\nservice_act: 0.55\n"
    assert not thresholds.write(0.6, 0.12, path)
