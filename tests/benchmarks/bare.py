"""The least a webhook that keeps its promise can be: FastAPI and one synced row in SQLite.

`python -m tests.benchmarks.bare PORT FILE` serves POST /messages; the baseline of "acknowledged".
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def create_app(file: str) -> FastAPI:
    """One table, one route."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiosqlite.connect(file) as conn:
            await conn.execute("PRAGMA journal_mode=WAL")
            await conn.execute("PRAGMA synchronous=FULL")
            await conn.execute(
                "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, client_id TEXT, text TEXT)"
            )
            app.state.conn = conn
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/messages")
    async def keep(request: Request) -> JSONResponse:
        body = await request.json()
        conn: aiosqlite.Connection = request.app.state.conn
        values = (body["client_id"], body["text"])
        cursor = await conn.execute("INSERT INTO messages (client_id, text) VALUES (?, ?)", values)
        await conn.commit()
        return JSONResponse({"id": cursor.lastrowid}, 202)

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False
    )
