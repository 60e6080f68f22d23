"""`python -m tests.benchmarks [names]`: run the benchmarks, print their tables, keep the figures."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.settings import ROOT

NAMES = ("turns", "door", "parse", "nlu", "dates", "cases", "queue", "desk", "rates", "soak")


def main() -> int:
    """Run what was asked for; the exit code is 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="lawang bench", description="Benchmarks, each next to a baseline.")
    parser.add_argument(
        "names", nargs="*", help=f"one or more of: {', '.join(NAMES)}; all that need nothing by default"
    )
    parser.add_argument(
        "--massive", action="append", type=Path, default=[], metavar="FILE", help="for nlu: a file of MASSIVE"
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    given = parser.parse_args()
    modules = {name: importlib.import_module(f"tests.benchmarks.{name}") for name in NAMES}
    if given.list:
        for name, module in modules.items():
            print(f"{name:8}{(module.__doc__ or '').splitlines()[0]}")
        return 0
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"no benchmark called {', '.join(sorted(unknown))}")
    if "nlu" in given.names and not given.massive:
        parser.error("nlu needs the public data: --massive id-ID.jsonl --massive jv-ID.jsonl")
    # The soak takes as long as all others together: only by its name.
    default = [name for name in NAMES if name != "soak" and (name != "nlu" or given.massive)]
    folder = ROOT / "var" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    started = datetime.now().astimezone()
    print(f"{started:%Y-%m-%d %H:%M}, {machine()['processor']}, {os.cpu_count()} cores\n", flush=True)
    for name in given.names or default:
        before = os.getloadavg()
        result = modules[name].run(given.massive) if name == "nlu" else modules[name].run()
        for table in result.tables:
            print(table.text(), flush=True)
        about: dict[str, Any] = {"at": started.isoformat(timespec="seconds"), "machine": machine()}
        about |= {"load_before": before, "load_after": os.getloadavg()}
        path = folder / f"{name}-{started:%Y%m%d-%H%M%S}.json"
        path.write_text(json.dumps({**about, **result.as_json()}, indent=1), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}\n", flush=True)
    return 0


def machine() -> dict[str, Any]:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if sys.platform == "linux" else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False)
    return {
        "processor": named[0] if named else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
    }


if __name__ == "__main__":
    sys.exit(main())
