"""What became of a file's rows, and how it is said where an import ends before the file does."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.errors import DatabaseUnavailable, Problem
from app.services.import_rows import RowFault

#: Faults named in the answer, and characters of each.
MOST_ERRORS: Final = 1000
_MOST_DETAIL: Final = 500


@dataclass(slots=True)
class ImportOutcome:
    """What became of the rows that are settled."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    #: Of those updated: deleted people who stand again.
    restored: int = 0
    #: Rows whose ``no_email`` said no of somebody who has opted out, and was not heeded.
    opt_outs_kept: int = 0
    rejected: int = 0
    #: By line; the first `MOST_ERRORS` of those rejected.
    errors: list[RowFault] = field(default_factory=list)
    #: The line on which the last settled row begins.
    through_line: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    #: Which field an ignored column looks like.
    likely_fields: dict[str, str] = field(default_factory=dict)

    @property
    def errors_truncated(self) -> bool:
        """Say whether more rows were rejected than are named."""
        return self.rejected > len(self.errors)

    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "restored": self.restored,
            "opt_outs_kept": self.opt_outs_kept,
            "rejected": self.rejected,
            "through_line": self.through_line,
        }

    def reject(self, faults: Iterable[RowFault]) -> None:
        """Count these rows, which come after all those before, and name them while there's room."""
        for fault in faults:
            self.rejected += 1
            if len(self.errors) < MOST_ERRORS:
                self.errors.append(RowFault(fault.line, _cut(fault.detail)))


class ImportInterrupted(DatabaseUnavailable):
    """The database stopped answering during an import; `stored` says up to which line it went."""

    slug, title = "import-interrupted", "The import was cut short"

    def __init__(self, outcome: ImportOutcome, *, dry_run: bool) -> None:
        """Say what stands, and how to go on."""
        sentence, stored = standing(outcome, dry_run=dry_run)
        Problem.__init__(
            self,
            f"The database stopped answering. {sentence}",
            extensions={"stored": stored},
            headers={"Retry-After": "5"},
        )


def standing(outcome: ImportOutcome, *, dry_run: bool) -> tuple[str, dict[str, int]]:
    """Return what stands after an import that was cut short: in a sentence, and in counts."""
    if dry_run:
        return "Nothing was stored, since this was a dry run.", ImportOutcome().counts()
    if not outcome.through_line:
        return "Nothing was stored.", outcome.counts()
    sentence = (
        f"What is above line {outcome.through_line + 1} is stored ({outcome.created} created, "
        f"{outcome.updated} updated, {outcome.unchanged} unchanged, {outcome.rejected} rejected): "
        f"send the file again with from_line={outcome.through_line + 1} for the rest."
    )
    return sentence, outcome.counts()


def _cut(detail: str) -> str:
    return detail if len(detail) <= _MOST_DETAIL else f"{detail[: _MOST_DETAIL - 3]}..."
