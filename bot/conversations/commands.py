"""Slash commands, the same on every channel: which wish each one stands for."""

PAYLOADS = {
    "start": "/greet",
    "mulai": "/greet",
    "help": "/help",
    "bantuan": "/help",
    "menu": "/help",
    "lapor": "/report_complaint",
    "antre": "/book_queue",
    "antrean": "/book_queue",
    "status": "/check_status",
    "laporan": "/check_status",
    "syarat": "/ask_requirements",
    "petugas": "/talk_to_agent",
    "privasi": "/privacy_info",
    "unduh": "/export_my_data",
    "hapus": "/delete_my_data",
    "batal": "/cancel",
    "ulang": "/restart",
    "kembali": "/go_back",
}

# What posters and QR codes may carry behind t.me/<bot>?start=
DEEP_LINKS = {"lapor", "antre", "status", "syarat", "petugas", "privasi", "bantuan"}


def read(text: str) -> str:
    """Turn a command into a payload, or into the plain words behind it.

    `/lapor lampu mati di Wates` is a sentence with a hint; an unknown command is only its words.
    """
    command, _, rest = text.strip().lstrip("/").partition(" ")
    name = command.partition("@")[0].lower()
    rest = rest.strip()
    if name in ("start", "mulai") and rest:
        link = rest.partition("-")[0].lower()
        return PAYLOADS[link] if link in DEEP_LINKS else PAYLOADS["start"]
    if name in PAYLOADS:
        return f"{name} {rest}" if rest else PAYLOADS[name]
    return f"{name} {rest}".strip() or PAYLOADS["help"]
