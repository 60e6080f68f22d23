"""`python -m intents check`: the report of intents/check.py; exit status 1 when there is anything to mend."""

import argparse
import sys
from pathlib import Path

from intents import check, sentences


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="intents", description=__doc__)
    parser.add_argument("command", choices=["check"])
    parser.add_argument("--root", type=Path, default=sentences.ROOT)
    given = parser.parse_args(arguments)
    problems = check.check(given.root)
    for problem in problems:
        print(problem)  # noqa: T201
    count = sum(1 for _ in sentences.read(given.root)) if not problems else 0
    print(f"{len(problems)} problems" if problems else f"{count} training sentences, nothing to mend")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
