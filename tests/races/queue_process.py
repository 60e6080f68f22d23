"""`python -m tests.races.queue_process`: the stand-in queue on a Monday morning, whatever day it is here."""

import sys
import time
from datetime import timedelta

import uvicorn

from connectors.sandbox.app import create_app
from connectors.sandbox.settings import load
from tests.races.queue_city import MONDAY

STARTED = time.monotonic()

if __name__ == "__main__":
    settings = load()
    app = create_app(settings, None, lambda: MONDAY + timedelta(seconds=time.monotonic() - STARTED))
    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_level="warning")
    sys.exit(0)
