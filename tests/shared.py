"""Where the vendor's documents lie, for tests that need the place before a fixture can give it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def shared_path() -> Path:
    """Return the folder: ``DOTSYNC_SHARED``, or ``shared`` beside the checkout."""
    return Path(os.environ.get("DOTSYNC_SHARED") or ROOT.parent / "shared").resolve()


def missing_reason() -> str | None:
    """Say what is missing, or return None where the documents are there."""
    documents = shared_path() / "reference" / "dotdigital-openapi"
    if next(documents.glob("*.json"), None):
        return None
    return "the vendor's documents are not there; name their folder in DOTSYNC_SHARED"
