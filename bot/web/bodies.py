"""Request bodies of programs, read only as far as they may be long."""

from fastapi import Request


class BodyTooBig(Exception):
    """More bytes than allowed; the rest was not read."""


async def read(request: Request, limit: int) -> bytes:
    """Return the body. Raises BodyTooBig before more than `limit` bytes are in memory."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooBig
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooBig
    return bytes(body)
