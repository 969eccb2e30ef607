"""`PUT /contacts/v3/import` and its status: the whole of a batch, done later, reported a record."""

from typing import Any, get_args

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import Refusal, json_answer, raw_answer, v3_refusal
from sandbox.calls import Call, Operation
from sandbox.state import Account, Failure, MergeOption
from sandbox.v3 import refusals
from sandbox.v3.job_ids import is_job_id
from sandbox.v3.reading import UnreadableError, read_entry, spelled
from sandbox.v3.reports import ImportReport

_MERGE_OPTIONS: dict[str, MergeOption] = {
    option.lower(): option for option in get_args(MergeOption)
}


async def import_contacts(call: Call) -> Response:
    """Take a batch in; what is wrong with one contact shows in the report [doc]."""
    account = call.account
    entries, option = _envelope(call)
    if account.jobs.active("import") >= account.settings.active_import_limit:
        raise refusals.too_many_imports()
    batch = _Batch(account, entries, option, ImportReport(account, call.lost_from_report))
    job = account.jobs.submit(
        "import",
        "v3",
        total=len(entries),
        duration_s=account.settings.import_duration_s,
        apply=batch.apply,
        report=batch.report,
        finish=batch.finish,
        fate=call.fate,
    )
    return json_answer({"importId": job.id}, 202)


async def import_status(call: Call) -> Response:
    """Answer how far an import is, and once it is finished what became of each contact."""
    import_id = call.path["importId"]
    if not is_job_id(import_id):
        raise v3_refusal(
            400, "contacts:invalidId", f"The id value '{import_id}' is not a recognized import id"
        )
    job = call.account.jobs.find(import_id, "import", "v3")
    if job is None:
        raise v3_refusal(
            404,
            "contacts:importNotFound",
            f"The import request '{import_id}' could not be found!",
        )
    status = await call.account.jobs.look(job)
    if status is None or job.fate.status is not None or not isinstance(job.report, ImportReport):
        return json_answer({"importId": job.id, "status": status or "NotFinished"})
    return raw_answer(job.report.written(job.id, status))


class _Batch:
    """The entries of one import on their way into the account."""

    def __init__(
        self, account: Account, entries: list[Any], option: MergeOption, report: ImportReport
    ) -> None:
        self.report = report
        self._account = account
        self._entries = entries
        self._option = option
        #: Contacts that an entry was applied to: another one for them is a duplicate.
        self._touched: set[int] = set()

    def apply(self, start: int, stop: int) -> None:
        """Apply a run of entries."""
        now_ms = self._account.clock.stamp()
        entries = self._entries
        for place in range(start, stop):
            self._apply(entries[place], now_ms)
            # Let go at once: its memory is the next contact's, still in the processor's cache.
            entries[place] = None

    def finish(self) -> str:
        """Drop the entries, and say how the import ended."""
        self._entries = []
        return "ExceedsAllowedContactLimit" if self.report.exceeds_allowance else "Finished"

    def _apply(self, entry: Any, now_ms: int) -> None:  # noqa: ANN401 - whatever the caller sent
        account, report = self._account, self.report
        try:
            change = read_entry(account, entry)
        except UnreadableError as unreadable:
            report.refused(entry, [unreadable.failure], None)
            return
        before = account.match(change)
        if inferred.is_duplicate(before.id if before is not None else None, self._touched):
            value = spelled(spelled(entry)["identifiers"])[change.match]
            text = f"Duplicate identifier detected for {change.match} '{value}'"
            report.refused(entry, [Failure("duplicateIdentifier", text, change.match)], None)
            return
        outcome = account.apply_to(before, change, self._option, now_ms)
        if outcome.contact is None:
            report.refused(entry, outcome.failures, outcome.matched)
            return
        self._touched.add(outcome.contact.id)
        report.applied(entry, outcome.contact, outcome.failures, is_created=outcome.is_created)


def _envelope(call: Call) -> tuple[list[Any], MergeOption]:
    try:
        body = call.json()
    except ValueError:
        raise refusals.bad_json() from None
    if not isinstance(body, dict):
        raise refusals.bad_request("The request must be an object")
    body = spelled(body)
    spelling = body.get("mergeOption") or "overwrite"
    option = _MERGE_OPTIONS.get(spelling.lower()) if isinstance(spelling, str) else None
    if option is None:
        raise refusals.bad_request(f"The mergeOption '{spelling}' is invalid")
    entries = body.get("contacts")
    if not isinstance(entries, list):
        raise refusals.bad_request("The contacts field is required.")
    if not entries:
        raise no_contacts()
    return entries, option


def no_contacts() -> Refusal:
    """Refuse an import of nobody: a fault of the envelope [inferred]."""
    return v3_refusal(400, inferred.EMPTY_IMPORT_CODE, "You must specify 1 or more contacts")


OPERATIONS = (
    Operation("PUT", "/contacts/v3/import", import_contacts),
    Operation("GET", "/contacts/v3/import/{importId}", import_status),
)
