"""The types of online activity, each named once."""

from typing import Final

ACTIVITY_TYPES: Final = (
    "email_send",
    "email_open",
    "email_click",
    "email_bounce",
    "email_unsubscribe",
    "form_submission",
    "page_view",
    "download",
)
