"""The demo's tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

_SHOWN_ERRORS = 5
Json = Mapping[str, Any]


def rejected(errors: Sequence[Json]) -> Table:
    """Show why rows were rejected, the first ones of each kind."""
    table = Table("Line", "Why", title="Rejected rows, the first ones", title_justify="left")
    for error in errors[:_SHOWN_ERRORS]:
        table.add_row(str(error["line"]), error["detail"])
    return table


def run_counts(run: Json, took_s: float) -> Table:
    """Show the counts of the run."""
    table = Table("", "People", title="send_people", title_justify="left")
    for name, count in run["counts"].items():
        if name not in {"imports", "pending"}:
            table.add_row(name, f"{count:,}")
    table.add_section()
    table.add_row("imports", f"{run['counts'].get('imports', 0):,}")
    table.add_row("seconds", f"{took_s:.1f}")
    table.add_row("rows a second", f"{run['counts'].get('considered', 0) / took_s:,.0f}")
    return table


def states(summary: Json) -> Table:
    """Show how everyone stands and why."""
    table = Table("State", "Reason", "People", "In words", title="People", title_justify="left")
    for each in summary["states"]:
        table.add_row(
            each["state"],
            each["reason"] or "",
            f"{each['people']:,}",
            each["sentence"] or "",
        )
    return table


def calls(*runs: Json) -> Table:
    """Show the calls that each run made, by scope."""
    table = Table("Scope", "First run", "Second run", title="Calls", title_justify="left")
    counted: list[Counter[str]] = [Counter(run["calls"]) for run in runs]
    for scope in sorted(set().union(*counted)):
        table.add_row(scope, *(str(each[scope]) for each in counted))
    table.add_section()
    table.add_row("all", *(str(sum(each.values())) for each in counted))
    return table


def failures(items: Sequence[Json]) -> Table:
    """Show some failures as the API gives them."""
    table = Table("Person", "Code", "What to do", title="Failures, some", title_justify="left")
    for each in items:
        table.add_row(str(each["subject"]["id"]), each["code"], each["message"])
    return table


def counts_of(run: Json, title: str) -> Table:
    """Show the counts of any run, and its calls."""
    table = Table("", "Number", title=f"{title}: {run['job']}", title_justify="left")
    for name, count in run["counts"].items():
        if count:
            table.add_row(name, f"{count:,}")
    table.add_section()
    table.add_row("calls", f"{sum(run['calls'].values()):,}")
    return table


def mailshots(items: Sequence[Json]) -> Table:
    """Show mailshots with what Dotdigital counts of them."""
    names = ("sent", "opens", "clicks", "unsubscribes", "hard_bounces")
    table = Table("Mailshot", *names, title="Mailshots", title_justify="left")
    for each in items:
        table.add_row(each["name"], *(str(each["counts"].get(name, "")) for name in names))
    return table


def conflicts(items: Sequence[Json]) -> Table:
    """Show who said what, and whose word stood."""
    table = Table("Person", "Field", "Here", "There", "Rule", "Stands", title_justify="left")
    table.title = "Conflicts"
    for each in items:
        table.add_row(
            str(each["person_id"]),
            each["dotdigital_field"],
            str(each["ours"]),
            str(each["theirs"]),
            each["conflict_rule"],
            each["winner"],
        )
    return table
