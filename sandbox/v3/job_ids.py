"""Ids of imports and deletions: GUIDs."""

import uuid


def is_job_id(text: str) -> bool:
    """Say whether a text is a GUID with its dashes."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
