"""`lawang sandbox`: run the stand-in city until told to stop."""

import asyncio
import logging
import sys

import uvicorn
from sqlalchemy.exc import DatabaseError

from connectors.sandbox.app import create_app
from connectors.sandbox.database import Database
from connectors.sandbox.settings import SandboxSettingsError, load


def main() -> int:
    """Serve on SANDBOX_PORT; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = load()
        asyncio.run(_try_store(Database(settings.database)))
        app = create_app(settings)
    except (SandboxSettingsError, ValueError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    except DatabaseError as error:
        remedy = "SANDBOX_DATABASE must name a writable SQLite file"
        sys.stderr.write(f"sandbox: {settings.database}: {error.orig}; {remedy}\n")
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
            server_header=False,
        )
    )
    server.run()
    return 0 if server.started else 1


async def _try_store(database: Database) -> None:
    try:
        await database.prepare()
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
