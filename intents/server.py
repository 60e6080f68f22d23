"""Start Rasa's server for the front door: `python -m intents.server --port 5005` in Rasa's environment.

It is Rasa's own server with our channel, our one-turn trackers and the shortcuts of intents/shortcuts.py. It
listens on the loopback interface only and writes no text of a citizen to its log.
"""

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run until told to stop."""
    arguments = argparse.ArgumentParser(prog="intents.server", description=__doc__)
    arguments.add_argument("--port", type=int, default=int(os.environ.get("RASA_PORT", "5005")))
    arguments.add_argument("--model", type=Path, default=ROOT / "models")
    given = arguments.parse_args()

    os.chdir(ROOT)
    os.environ.setdefault("ACTIONS_URL", f"http://127.0.0.1:{os.environ.get('ACTIONS_PORT', '5055')}/webhook")
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("MAX_NUMBER_OF_PREDICTIONS", "6")
    os.environ.setdefault("LOG_LEVEL_LIBRARIES", "ERROR")
    # OpenBLAS' threads spin for 20 ms after each small product and take a core from everybody else; the
    # encoder's second thread gains nothing on a core that the front door needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    warnings.showwarning = _say_nothing

    from intents import shortcuts

    shortcuts.skip_tensorflow(ROOT / "config.yml")
    serve(given.port, given.model)
    return 0


def _say_nothing(*args: object, **kwargs: object) -> None:
    """Rasa's dependencies warn about each other at every start; some warnings quote what a citizen wrote."""


def serve(port: int, model: Path) -> None:
    """Load the newest model of a folder (or one file) and answer turns.

    Raises:
        SystemExit: there is no model yet.
    """
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints
    from rasa.model import get_latest_model
    from rasa.utils.log_utils import configure_structlog

    from intents import shortcuts

    newest = get_latest_model(str(model)) if model.is_dir() else str(model)
    if not newest or not Path(newest).exists():
        sys.exit(f"no model in {model}: run `lawang train` first")
    configure_structlog(logging.ERROR)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("rasa").setLevel(logging.ERROR)
    # A failed action is in the turn's answer; a traceback for each would bury the log.
    for name in ("rasa.core.processor", "rasa.core.actions.action"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("sanic.access").setLevel(logging.ERROR)
    logging.getLogger("sanic.root").setLevel(logging.ERROR)
    shortcuts.validate_answers_plainly()
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    if endpoints.action is not None:
        endpoints.action = shortcuts.action_link(endpoints.action.url)
    serve_application(
        model_path=newest,
        interface="127.0.0.1",
        port=port,
        credentials=str(ROOT / "credentials.yml"),
        endpoints=endpoints,
        enable_api=False,
    )


if __name__ == "__main__":
    sys.exit(main())
