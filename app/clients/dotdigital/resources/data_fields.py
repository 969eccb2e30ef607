"""Data fields, which every contact of the account has; v2-data-fields.yaml [spec]."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.errors import Rejected
from app.clients.dotdigital.resources.lists import Visibility
from app.clients.dotdigital.wire import Incoming, Outgoing, many, one, optional

DataFieldType = Literal["String", "Numeric", "Date", "Boolean"]


def _scalar(given: Any) -> Any:  # noqa: ANN401 - it is what JSON is
    return given if isinstance(given, str | int | float | None) else str(given)


def _dependencies(given: Any) -> list[str]:  # noqa: ANN401 - it is what JSON is
    """Read text, as the YAML has it, and ``{"type", "objectId"}``, as the swagger has it [spec]."""
    return [
        " ".join(str(part) for part in each.values()) if isinstance(each, dict) else str(each)
        for each in given or ()
    ]


class DataField(Incoming):
    """A data field; names compare without regard to case [inferred]."""

    name: str
    #: ``String``, ``Numeric``, ``Date`` or ``Boolean``.
    type: Annotated[str, BeforeValidator(lambda given: str(given).capitalize())]
    visibility: str | None = None
    default_value: Annotated[str | int | float | bool | None, BeforeValidator(_scalar)] = None


class DataFieldDeletion(Incoming):
    """Whether a data field was deleted, and what uses it where it was not."""

    is_deleted: bool
    #: In words, such as ``Campaign 5501``.
    dependencies: Annotated[list[str], BeforeValidator(_dependencies)] = Field(default_factory=list)

    spellings: ClassVar = {"result": "is_deleted"}


class _DataField(Outgoing):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")]
    type: DataFieldType
    visibility: Visibility
    default_value: str | int | float | bool | None = None


class DataFieldsResource:
    """Reads, makes and deletes data fields; they can't be renamed or changed [doc]."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def all(self) -> list[DataField]:
        """Return every data field. One call."""
        return await self._caller.send(Call("GET", _ALL, read=many(DataField)))

    async def create(
        self,
        name: str,
        data_field_type: DataFieldType,
        *,
        visibility: Visibility = "Private",
        default_value: str | float | bool | None = None,
    ) -> DataField:
        """Make a data field; its name has 1 to 20 of ``A-Za-z0-9_-``.

        One call, not repeated when its outcome is in doubt. Raises Rejected with
        ``ERROR_NON_UNIQUE_DATAFIELD`` or ``ERROR_DATAFIELD_LIMITEXCEEDED``, ValueError for a name
        or type that Dotdigital would not take.
        """
        wanted = _DataField(
            name=name, type=data_field_type, visibility=visibility, default_value=default_value
        )
        made = await self._caller.send(
            Call(
                "POST",
                _ALL,
                read=optional(DataField),
                body=wanted.encoded(),
                is_idempotent=False,
            )
        )
        # The swagger knows no body for this answer, the YAML the field [spec].
        return made or DataField(
            name=name, type=data_field_type, visibility=visibility, default_value=default_value
        )

    async def delete(self, name: str) -> DataFieldDeletion:
        """Delete a data field, with the values that contacts have in it. One call.

        One that is in use stays, and the answer says what uses it. Raises NotFound.
        """
        try:
            return await self._caller.send(
                Call(
                    "DELETE",
                    "/v2/data-fields/{name}",
                    read=one(DataFieldDeletion),
                    path={"name": name},
                )
            )
        except Rejected as error:
            if error.status != 409:
                raise
            used_by = [f"{each.item} {each.description}".strip() for each in error.details]
            return DataFieldDeletion(is_deleted=False, dependencies=used_by)


_ALL: Final = "/v2/data-fields"
