"""Marketing preferences and their categories; v2-preferences-and-subscriptions.yaml [spec].

A contact's own are set by import or with the contact, by id; categories can't be set [doc].
"""

from typing import Annotated, ClassVar, Final

from pydantic import BeforeValidator, Field

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.wire import Incoming, Instant, Outgoing, many, one


class PreferenceNode(Incoming):
    """A preference, or a category of them."""

    id: int
    public_name: str = ""
    private_name: str = ""
    #: Else it is a category, with ``preferences`` in it.
    is_preference: bool = True
    is_public: bool = True
    #: 0 where it stands by itself.
    category_id: Annotated[int, BeforeValidator(lambda given: given or 0)] = 0
    created: Instant = None
    last_modified: Instant = None
    preferences: Annotated[list["PreferenceNode"], BeforeValidator(lambda given: given or [])] = (
        Field(default_factory=list)
    )

    # A slip in the vendor's YAML that clients may depend on.
    spellings: ClassVar = {"ispreference2": "is_preference"}


class _Preference(Outgoing):
    public_name: Annotated[str, Field(min_length=1)]
    private_name: Annotated[str, Field(min_length=1)]
    is_preference: bool
    is_public: bool
    category_id: int | None
    #: A place, ``top`` or ``bottom``.
    order: str


class PreferencesResource:
    """Reads and makes preferences."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def tree(self) -> list[PreferenceNode]:
        """Return categories, with their preferences in them, and preferences without one.

        One call. Raises NotPermitted where the account's package lacks preferences.
        """
        return await self._caller.send(Call("GET", _ALL, read=many(PreferenceNode)))

    async def create(
        self,
        public_name: str,
        *,
        private_name: str | None = None,
        is_preference: bool = True,
        is_public: bool = True,
        category_id: int | None = None,
    ) -> PreferenceNode:
        """Make a preference, in a category or by itself, or a category; it goes to the bottom.

        One call, not repeated when its outcome is in doubt. The private name is the public one
        unless it is given. Raises Rejected, NotPermitted.
        """
        wanted = _Preference(
            public_name=public_name,
            private_name=private_name or public_name,
            is_preference=is_preference,
            is_public=is_public,
            category_id=category_id,
            order="bottom",
        )
        return await self._caller.send(
            Call(
                "POST",
                _ALL,
                read=one(PreferenceNode),
                body=wanted.encoded(),
                is_idempotent=False,
            )
        )


_ALL: Final = "/v2/preferences"
