"""The audit log: who changed what. Never holds a password, and no address."""

from collections.abc import Mapping

from app.db import WriteSession
from app.models import AuditEntry


def record(
    session: WriteSession,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: int | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one entry in the session's transaction; ``actor`` is `Caller.actor`."""
    session.add(
        AuditEntry(
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=dict(detail or {}),
        )
    )
