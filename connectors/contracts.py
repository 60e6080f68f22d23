"""What the dialects with a written contract always offer, and their words for the states of a place.

A manifest of such a dialect names neither: the contract does.
"""

from collections.abc import Mapping

from connectors.capabilities import Capability
from connectors.queues import BookingStatus, WaitingStatus

_QUEUE = frozenset(
    {
        Capability.BOOKING_COUNTERS,
        Capability.BOOKING_SLOTS,
        Capability.BOOKING_HOLD,
        Capability.BOOKING_CONFIRM,
        Capability.BOOKING_RELEASE,
        Capability.BOOKING_RESERVE,
        Capability.BOOKING_STATUS,
        Capability.BOOKING_RESCHEDULE,
        Capability.BOOKING_CANCEL,
        Capability.BOOKING_CHECK_IN,
        Capability.BOOKING_LIVE,
        Capability.BOOKING_WAIT,
        Capability.BOOKING_WAITING,
        Capability.BOOKING_LEAVE,
        Capability.BOOKING_ACCEPT,
    }
)
_FKTP = frozenset(
    {
        Capability.BOOKING_COUNTERS,
        Capability.BOOKING_SLOTS,
        Capability.BOOKING_RESERVE,
        Capability.BOOKING_STATUS,
        Capability.BOOKING_CANCEL,
        Capability.BOOKING_LIVE,
        Capability.BOOKING_REGISTER,
    }
)
OFFERS: Mapping[str, frozenset[Capability]] = {"mpp_queue": _QUEUE, "bpjs_fktp": _FKTP}

# The poli of a puskesmas are in its manifest: nobody is asked.
CANNOT_FAIL = frozenset({("bpjs_fktp", Capability.BOOKING_COUNTERS)})

BOOKING_WORDS: Mapping[str, Mapping[str, str]] = {
    "mpp_queue": {
        "ditahan": BookingStatus.HELD,
        "dipesan": BookingStatus.BOOKED,
        "dijadwal_ulang": BookingStatus.RESCHEDULED,
        "checkin": BookingStatus.CHECKED_IN,
        "dipanggil": BookingStatus.CALLED,
        "dilayani": BookingStatus.CALLED,
        "terlewat": BookingStatus.MISSED,
        "selesai": BookingStatus.SERVED,
        "tidak_hadir": BookingStatus.NO_SHOW,
        "batal": BookingStatus.CANCELLED,
        "kedaluwarsa": BookingStatus.EXPIRED,
    }
}
WAITING_WORDS: Mapping[str, str] = {
    "menunggu": WaitingStatus.WAITING,
    "ditawarkan": WaitingStatus.OFFERED,
    "diterima": WaitingStatus.ACCEPTED,
    "lewat": WaitingStatus.LAPSED,
    "keluar": WaitingStatus.LEFT,
}
