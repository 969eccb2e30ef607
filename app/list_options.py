"""The options of a list, each declared once: its type, its default, its words and what it bars.

All else follows from `ListOptions`: what the API takes, gives and says of it in its documents
(`schemas/lists.py`), what is refused, what is stored (`lists.options`, without a migration), and
what send_lists reads (`SyncedList.options`). What an option *does* is in `sync/members/`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Nonsense(NamedTuple):
    """A combination that makes no sense: the option to change, and the sentence that says so."""

    option: str
    sentence: str


class ListOptions(BaseModel):
    """What was chosen for one list; what never was stands at its default.

    Members that are not declared are kept as they are stored: a newer version wrote them.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    sync_mode: Annotated[
        Literal["continuous", "one_time"],
        Field(description="`one_time`: sent once, and left alone after that."),
    ] = "continuous"
    entry_action: Annotated[
        Literal["add", "unsubscribe"],
        Field(
            description="What joining does: `unsubscribe` makes this a suppression audience, whose "
            "members are suppressed in the account, and resubscribed when they leave as "
            "`resubscribe_mode` says."
        ),
    ] = "add"
    exit_action: Annotated[
        Literal["remove", "unsubscribe", "ignore"],
        Field(description="What leaving does in Dotdigital."),
    ] = "remove"
    resubscribe_mode: Annotated[
        Literal["never", "challenge", "no_challenge"],
        Field(description="How a member that was unsubscribed is brought back."),
    ] = "never"
    trigger_join_actions: Annotated[
        bool,
        Field(
            strict=True, description="Add members one by one, so that Dotdigital's programs fire."
        ),
    ] = False
    sync_status: Annotated[
        bool,
        Field(strict=True, description="Write the contact's status back onto the member."),
    ] = False
    visibility: Annotated[
        Literal["private", "public"],
        Field(
            description="How Dotdigital's list is shown; bound to one that is public, this is too."
        ),
    ] = "private"

    @classmethod
    def readable(cls, stored: Mapping[str, Any]) -> Self:
        """Return what can be read of a stored document; a value that can't be is at its default.

        A newer version, or somebody by hand, stored a word that is none here.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            bad = unreadable(error)
            return cls.model_validate({key: stored[key] for key in stored if key not in bad})

    def nonsense(self) -> Iterator[Nonsense]:
        """Yield each combination that makes no sense."""
        if self.entry_action == "unsubscribe" and self.trigger_join_actions:
            yield Nonsense(
                "trigger_join_actions",
                "Nobody is added to a list whose entry_action is unsubscribe, so nothing would be "
                "triggered: set it to false.",
            )
        if self.entry_action == "unsubscribe" and self.exit_action == "unsubscribe":
            yield Nonsense(
                "exit_action",
                "Whoever joins is unsubscribed already (entry_action), so leaving must do "
                "something else: remove resubscribes as resubscribe_mode says, ignore leaves it.",
            )

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return these options with some of them changed; raises pydantic's ValidationError."""
        return self.model_validate({**self.model_dump(), **changes})


def unreadable(error: ValidationError) -> list[str]:
    """Return the options whose values were refused, ascending."""
    return sorted({str(each["loc"][0]) for each in error.errors()})


def parted(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a list's fields, flat as the API has them, into its options and all others."""
    options = {name: value for name, value in fields.items() if name in ListOptions.model_fields}
    return options, {name: value for name, value in fields.items() if name not in options}
