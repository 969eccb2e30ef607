"""What was measured, beside its limit: a table for the terminal and one for `results.md`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table

Verdict = Literal["yes", "no", "-"]

_COLUMNS = ("figure", "ours", "limit", "ratio", "target", "met", "CPU ours / limit", "note")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is held to."""

    bound: float
    #: Whether more is better.
    at_least: bool = False
    #: Whether it bounds ours divided by the limit; else ours itself.
    of_limit: bool = False

    def is_met(self, ours: float, limit: float | None) -> bool:
        """Say whether the figure keeps to it; a limit of nothing is never kept to."""
        held = ours
        if self.of_limit:
            if not limit:
                return False
            held = ours / limit
        return held >= self.bound if self.at_least else held <= self.bound

    def text(self, unit: str) -> str:
        """Return it in words."""
        sign = "≥" if self.at_least else "≤"
        return (
            f"{sign} {self.bound:g} x limit" if self.of_limit else f"{sign} {self.bound:g} {unit}"
        )


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of the measured processes, which say more than the clock under load."""

    ours: float | None
    limit: float | None = None
    #: What they are of, such as "a request"; empty for the whole of it.
    per: str = ""

    def text(self) -> str:
        """Return both, in the unit that suits them."""
        both = _seconds(self.ours)
        if self.limit is not None:
            both += f" / {_seconds(self.limit)}"
        return f"{both} {self.per}".strip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; without ``ours`` it stands for what this version doesn't have yet."""

    name: str
    unit: str = ""
    ours: float | None = None
    limit: float | None = None
    target: Target | None = None
    cpu: Cpu | None = None
    note: str = ""
    #: Something beside the number kept it from its target; the note says what.
    spoilt: bool = False

    @property
    def ratio(self) -> float | None:
        """Return ours divided by the limit."""
        return self.ours / self.limit if self.ours is not None and self.limit else None

    @property
    def verdict(self) -> Verdict:
        """Say whether the target is met."""
        if self.ours is None or self.target is None:
            return "-"
        return "yes" if self.target.is_met(self.ours, self.limit) and not self.spoilt else "no"

    def cells(self) -> tuple[str, ...]:
        """Return the figure's row."""
        return (
            self.name,
            _with_unit(self.ours, self.unit) if self.ours is not None else "not there yet",
            _with_unit(self.limit, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.target is None else self.target.text(self.unit),
            self.verdict,
            "" if self.cpu is None else self.cpu.text(),
            self.note,
        )


def as_table(figures: Sequence[Figure], title: str) -> Table:
    """Return the figures as a table for the terminal."""
    table = Table(title=title, title_justify="left", show_lines=False)
    for name in _COLUMNS:
        numbers = name in {"ours", "limit", "ratio"}
        table.add_column(name, justify="right" if numbers else "left", no_wrap=numbers)
    styles = {"yes": "green", "no": "bold red", "-": "dim"}
    for figure in figures:
        table.add_row(*figure.cells(), style=styles[figure.verdict])
    return table


def as_markdown(figures: Sequence[Figure], title: str, circumstances: Sequence[str]) -> str:
    """Return the figures as a page of Markdown."""
    lines = [f"# {title}", "", *circumstances, ""]
    lines += [_row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
    lines += [_row(figure.cells()) for figure in figures]
    return "\n".join([*lines, "", summary(figures), ""])


def summary(figures: Sequence[Figure]) -> str:
    """Return how many targets are met."""
    verdicts = [figure.verdict for figure in figures]
    met, missed = verdicts.count("yes"), verdicts.count("no")
    return f"{met} of {met + missed} targets are met."


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _with_unit(number: float | None, unit: str) -> str:
    return "" if number is None else f"{_number(number)} {unit}".strip()


def _number(number: float) -> str:
    if number == int(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_number(seconds / size)} {unit}"
    return f"{_number(seconds * 1e6)} µs"
