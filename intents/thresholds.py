"""From which confidence an intent is acted upon, and from which it is offered: read off the validation curve.

Each training measures (confidence, was it right) on sentences held back, and writes `act` and `offer` into
data/thresholds.yml; the other numbers of that file are people's decisions and stay as they are.
"""

import re
from collections.abc import Sequence
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "data" / "thresholds.yml"
# Acting wrongly costs about twice the turns of a question back: act where six of ten such are right.
WORTH_ACTING = 0.6
# An offered choice takes a line of the screen: it should be the right one at least one time in eight.
WORTH_OFFERING = 0.125
LOWEST, HIGHEST = 0.3, 0.8
WINDOW = 150


def act_from(sure: Sequence[tuple[float, bool]]) -> float:
    """Return the confidence from which messages are right often enough to act, in steps of 0.01.

    A window slides over the messages from the surest down, to where it is first wrong too often.
    """
    ranked = sorted(sure, reverse=True)
    window = min(WINDOW, max(1, len(ranked) // 4))
    found = HIGHEST
    for start in range(0, len(ranked) - window + 1):
        part = ranked[start : start + window]
        if sum(right for _, right in part) / window < WORTH_ACTING:
            break
        found = part[window // 2][0]
    return round(min(HIGHEST, max(LOWEST, found)), 2)


def write(act: float, offer: float, path: Path = PATH) -> bool:
    """Put both numbers into the file; comments and other numbers stay. Returns whether anything changed."""
    before = path.read_text(encoding="utf-8")
    after = re.sub(r"(?m)^act: .*$", f"act: {act:.2f}", before)
    after = re.sub(r"(?m)^offer: .*$", f"offer: {offer:.2f}", after)
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before
