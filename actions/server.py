"""Serve the actions on the loopback interface: `python -m actions.server --port 5055`.

It is rasa-sdk's own application and executor, run in one process: the stock `python -m rasa_sdk` spawns a
second one, listens on every interface and logs each registered action.
"""

import argparse
import logging
import os
import warnings

from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor


def main() -> int:
    """Run until told to stop."""
    arguments = argparse.ArgumentParser(prog="actions.server", description=__doc__)
    arguments.add_argument("--port", type=int, default=int(os.environ.get("ACTIONS_PORT", "5055")))
    port = arguments.parse_args().port
    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    executor = ActionExecutor()
    executor.register_package("actions")

    from actions.runtime import runtime

    runtime()
    app = create_app(executor, cors_origins=[])
    app.config.KEEP_ALIVE_TIMEOUT = 60
    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
