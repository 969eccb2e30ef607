"""A mapping that somebody wants, as a kind is asked whether Dotdigital can hold it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.errors import Invalid
from app.models import Mapping
from app.services.mapping_targets import DataFieldType
from app.services.person_fields import FIELDS, FieldPath, FieldType


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as it is wanted, with what was found of its person field."""

    wanted: Mapping
    path: FieldPath
    #: Values met at a path into ``custom``.
    seen: Sequence[object]
    #: The type that the caller asks for, if any.
    data_field_type: DataFieldType | None = None
    #: A path that people have, and that one which nobody has is likely a slip of.
    likely_meant: str | None = None

    @property
    def warning(self) -> str | None:
        """Return what is to be known of a path that nobody has; else None."""
        if not self.path.is_custom or self.seen or self.wanted.direction == "from_dotdigital":
            return None
        return (
            f"Nobody among the latest 10,000 people has {self.path.text}: it is sent for whoever "
            "gets it."
        )

    def refuse_slip(self) -> None:
        """Raise Invalid where something would be made there for a path that is likely a slip."""
        if self.likely_meant is not None:
            raise _refused(
                f"Nobody has {self.path.text}, and {self.likely_meant} is much like it: did you "
                "mean that? Nothing was made in Dotdigital. If it is meant as written, say so with "
                "unseen=true."
            )

    def refuse_misfit(
        self,
        target: str,
        holds_type: Callable[[FieldType], bool],
        holds_value: Callable[[object], bool],
    ) -> None:
        """Raise Invalid where the target, named with its article, can't hold the person field.

        A path into ``custom`` is refused where one of the values met there is an object or an
        array, or where fewer than half of them would fit. A path never met fits everything.
        """
        path, seen = self.path, self.seen
        if not path.is_custom:
            field_type = FIELDS[path.field].type
            if not holds_type(field_type):
                raise _refused(f"{path.text} is of type {field_type}, which {target} can't hold.")
            return
        if any(isinstance(value, (dict, list)) for value in seen):
            raise _refused(
                f"{path.text} holds objects or arrays, and {target} takes one plain value: name an "
                f"element ({path.text}[0]), a key inside, or join plain ones ({path.text}[*])."
            )
        fitting = sum(map(holds_value, seen))
        if fitting * 2 < len(seen):
            raise _refused(
                f"{path.text} holds what {target} can't: of the latest {len(seen)} values, "
                f"{fitting} would fit."
            )


def _refused(detail: str) -> Invalid:
    return Invalid.at("/body/person_field", detail)
