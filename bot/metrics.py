"""What is counted. With PROMETHEUS_MULTIPROC_DIR set, /metrics adds up all processes of the machine."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MESSAGES = Counter("lawang_messages", "Messages accepted from citizens", ["channel", "kind"])
DUPLICATES = Counter("lawang_duplicate_messages", "Second deliveries recognised and ignored", ["channel"])
BAD_INPUT = Counter("lawang_bad_input", "Input that could not be used as it was", ["where", "why"])
TURNS = Counter("lawang_turns", "Turns by how they ended", ["outcome"])
TURN_SECONDS = Histogram(
    "lawang_turn_seconds",
    "From claim to committed answer",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
SENT = Counter("lawang_sent", "Outbound messages by how sending ended", ["channel", "outcome"])
UPDATES = Counter(
    "lawang_status_updates", "Status updates of city systems by outcome", ["connector", "outcome"]
)
EMERGENCIES = Counter("lawang_emergencies", "Messages answered by the emergency guard", ["kind"])
FILINGS = Counter("lawang_late_filings", "Complaints filed later because the backend was away", ["outcome"])
NOTES = Counter(
    "lawang_department_notes", "What departments were told about their cases", ["kind", "outcome"]
)
FALSE_CLOSURES = Counter("lawang_false_closures", "Cases said to be done that were not", ["connector"])
MISSED_PROMISES = Counter("lawang_missed_promises", "Promised dates that passed", ["connector"])
RESERVATIONS = Counter(
    "lawang_late_reservations", "Queue places settled after the turn that asked for them", ["outcome"]
)
SUBSCRIPTIONS = Counter(
    "lawang_subscriptions", "Notices that citizens asked for or stopped", ["tenant", "topic", "act"]
)
TEMPLATES_LEFT = Gauge(
    "lawang_templates_left",
    "WhatsApp templates that a government may still send this month",
    ["tenant"],
    multiprocess_mode="mostrecent",
)
REMINDERS = Counter("lawang_reminders", "Reminders of bookings by what became of them", ["kind", "outcome"])


def exposition() -> bytes:
    """The counts in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
