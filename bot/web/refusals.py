"""Refusals to programs: problem+json (RFC 9457) in English, with what to mend."""

from fastapi.responses import JSONResponse


def refusal(status: int, code: str, detail: str) -> JSONResponse:
    """Say no in a way an integrator can act on. `code` is stable, `detail` is for the eye."""
    content = {
        "type": f"urn:lawang:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, media_type="application/problem+json")
