"""What one contact was read to have, as mappings ask for it."""

from enum import Enum
from typing import Any, Final

from app.clients.dotdigital import Contact
from app.services.field_values import Scalar, ValueMismatchError, typed_value


class Absent(Enum):
    """The answer doesn't say what the contact has: not the same as blank."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class There:
    """What one contact was read to have, by the names of the mappings."""

    def __init__(self, contact: Contact) -> None:
        """Take a contact whose mapped fields and preferences were asked for."""
        fields = contact.data_fields or {}
        self._fields: dict[str, Any] = {name.upper(): value for name, value in fields.items()}
        self._preferences = contact.preferences or {}

    def field(self, upper_name: str, data_field_type: str) -> Scalar | Absent:
        """Return a data field as its type has it; ABSENT for a value that can't be kept."""
        if upper_name not in self._fields:
            return ABSENT
        try:
            typed = typed_value(self._fields[upper_name], data_field_type)
        except ValueMismatchError:
            return ABSENT
        # Postgres has no text with a NUL in it.
        return ABSENT if isinstance(typed, str) and "\x00" in typed else typed

    def preference(self, preference_id: int) -> bool:
        """Say whether it is opted in; one that isn't listed is not [doc]."""
        return self._preferences.get(preference_id, False)
