"""Time the parsing of messages inside Rasa: `python -m tests.benchmarks.inside MODEL` in Rasa's
environment.

Texts on stdin, one a line; one JSON object on stdout: seconds to load, milliseconds and intent of each
message, and what the process holds in memory at the end. Only the standard library and Rasa, because that
environment has nothing else of ours.
"""

import asyncio
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
METADATA = {"tenant": "kota_mojokerto", "now": "2026-11-23T09:00:00+07:00"}
WARM_UP = 20


async def main() -> None:
    """Load one model and parse every text with it, one after the other."""
    model = sys.argv[1]
    texts = [line.rstrip("\n") for line in sys.stdin]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ACTIONS_URL", "http://127.0.0.1:1/webhook")
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    if Path(model).name.startswith("lawang-"):
        from intents import shortcuts

        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as intents.server does
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        shortcuts.skip_tensorflow(ROOT / "config.yml")
    from rasa.core.agent import Agent
    from rasa.core.channels.channel import UserMessage
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.ERROR)
    logging.getLogger("rasa").setLevel(logging.ERROR)
    agent = Agent.load(model)
    loaded = time.perf_counter() - started
    took, intents = [], []
    for text in [*texts[:WARM_UP], *texts]:
        begun = time.perf_counter()
        read = await agent.processor.parse_message(UserMessage(text, metadata=METADATA))
        took.append(1000 * (time.perf_counter() - begun))
        intents.append((read.get("intent") or {}).get("name"))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    print(
        json.dumps(
            {
                "load_seconds": loaded,
                "milliseconds": took[WARM_UP:],
                "intents": intents[WARM_UP:],
                "resident_megabytes": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
