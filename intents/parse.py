"""`python -m intents.parse`: texts on stdin, one a line; one JSON object a line on stdout (DESIGN: `lawang
parse`).

Loads only the classifier out of the newest model in models/, neither Rasa nor TensorFlow, so it starts in a
second. Exit status 2 with one line on stderr when there is no model.
"""

import argparse
import json
import os
import sys
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from intents import catalog as catalogue
from intents.masking import mask

ROOT = Path(__file__).resolve().parents[1]
MEMBER = "judge.bin"
HOME = "kota_mojokerto"


class NoModel(Exception):
    """There is no usable model; the message says what to do."""


def newest_model(folder: Path) -> Path:
    """Return the newest model archive. Raises NoModel without one."""
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise NoModel(f"no model in {folder}: run `lawang train` first")
    return models[-1]


def load_reader(model: Path) -> Any:
    """Return a Reader of the classifier inside a Rasa model archive. Raises NoModel for a foreign archive."""
    from intents.pipeline.judge import Judge
    from intents.reading import Reader

    with tarfile.open(model, "r:gz") as archive:
        member = next((m for m in archive if m.name.endswith("/" + MEMBER)), None)
        if member is None:
            raise NoModel(f"{model.name} was trained with another pipeline: run `lawang train --force`")
        extracted = archive.extractfile(member)
        content = extracted.read() if extracted else b""
    return Reader(Judge.from_bytes(content), catalogue.load(ROOT))


def line(
    reader: Any, text: str, now: datetime, tenant: catalogue.Tenant | None, home: catalogue.Tenant | None
) -> dict[str, Any]:
    """Return what is understood of one text, in the shape of `lawang parse`; emergency numbers are
    `home`'s."""
    masked = mask(text).text
    read = reader.read(masked, now, tenant.id if tenant else None)
    alarm = read["emergency"]
    return {
        "text": masked,
        "language": {"code": read["language"]["code"], "confidence": read["language"]["confidence"]},
        "intent": read["intent"],
        "alternatives": read["intent_ranking"][1:5],
        "service": read["service"],
        "services": read["services"],
        "topic": read["topic"],
        "entities": read["entities"],
        "emergency": None if alarm is None else {"kind": alarm["kind"], "number": _number(alarm, home)},
    }


def _number(alarm: dict[str, str], tenant: catalogue.Tenant | None) -> str | None:
    """Return the tenant's number for an emergency; None when it has none."""
    table = dict((tenant.facts.get("emergency") if tenant else None) or {})
    crisis = table.get("crisis") or {}
    for entry in (crisis.get(alarm["kind"]), table.get(alarm["number_key"]), table.get("general")):
        for known in [entry, *((entry or {}).get("fallback") or [])]:
            if known and known.get("number"):
                return str(known["number"])
    return None


def main(arguments: list[str] | None = None) -> int:
    """Answer stdin line by line; each answer is flushed, so that a program can talk through a pipe."""
    given = argparse.ArgumentParser(prog="intents.parse", description=__doc__)
    given.add_argument(
        "--model", type=Path, default=ROOT / "models", help="a model archive, or the folder of models"
    )
    given.add_argument("--tenant", help="only this government's services and places; all of them otherwise")
    given.add_argument("--now", help="ISO 8601 with offset; the clock otherwise")
    options = given.parse_args(arguments)
    # OpenBLAS' threads spin for 20 ms after each small product and take a core from everybody else.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        model = newest_model(options.model) if options.model.is_dir() else options.model
        reader = load_reader(model)
    except (NoModel, OSError, tarfile.TarError) as error:
        print(f"parse: {error}", file=sys.stderr)
        return 2
    catalog = catalogue.load(ROOT)
    tenant = catalog.tenant(options.tenant) if options.tenant else None
    if options.tenant and tenant is None:
        print(f"parse: no tenant {options.tenant}; there are {', '.join(catalog.tenants)}", file=sys.stderr)
        return 2
    home = tenant or catalog.tenant(HOME)
    zone = ZoneInfo(home.timezone if home else "Asia/Jakarta")
    for text in sys.stdin:
        text = text.rstrip("\r\n")
        now = datetime.fromisoformat(options.now) if options.now else datetime.now(zone)
        sys.stdout.write(json.dumps(line(reader, text, now, tenant, home), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
