"""What a browser sends: message bodies and pictures."""

import io
import uuid
from typing import Any

from PIL import Image


def message(**body: Any) -> dict[str, Any]:
    return {"client_id": str(uuid.uuid4()), **body}


def picture(kind: str = "JPEG", exif: bytes = b"") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, kind, **({"exif": exif} if exif else {}))
    return out.getvalue()
