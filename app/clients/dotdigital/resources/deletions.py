"""How far a bulk deletion is: of contacts in v3, or from a list in v2, in other words."""

from enum import StrEnum
from typing import Final

from app.clients.dotdigital import inferred
from app.clients.dotdigital.errors import ProtocolError


class DeletionStatus(StrEnum):
    """All but the first are its end."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


#: contacts-v3.json and v2-email-contacts.yaml [spec].
_ENDED: Final = {
    "finished": DeletionStatus.FINISHED,
    "completed": DeletionStatus.FINISHED,
    "failed": DeletionStatus.FAILED,
}


def deletion_status(word: str) -> DeletionStatus:
    """Read either framework's word. Raises ProtocolError for one that neither has."""
    if inferred.is_running(word):
        return DeletionStatus.RUNNING
    ended = _ENDED.get(word.lower())
    if ended is None:
        raise ProtocolError("a deletion is in a state that no document has")
    return ended
