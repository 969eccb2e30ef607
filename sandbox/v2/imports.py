"""v2: imports of contacts, from a file or from JSON, and what became of them."""

import uuid
from collections.abc import Sequence

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Job, MergeOption
from sandbox.v2.import_files import read_contacts, read_file
from sandbox.v2.import_runs import ImportRun, Row
from sandbox.v2.lists import find_writable
from sandbox.v2.refusals import invalid, refused
from sandbox.v2.requests import Fields, as_int32, read_fields

#: By the vendor's number and name [doc].
_OPTIONS: dict[str, MergeOption] = {
    "overwrite": "overwrite",
    "onlyoverwriteifnotempty": "overwriteIfNotEmpty",
    "onlyoverwriteifcontactdatanotpopulated": "overwriteIfEmpty",
}
_OPTION_ORDER: tuple[MergeOption, ...] = tuple(_OPTIONS.values())
#: "Approximately one week after import" [spec].
_FAULTS_KEPT_MS = 7 * 24 * 3600 * 1000


async def import_file(call: Call) -> Response:
    """Import a file."""
    columns, rows = await read_file(call)
    return _start(call, columns, rows, _path_option(call), [])


async def import_file_into_list(call: Call) -> Response:
    """Import a file, and put who is in it on a list."""
    the_list = find_writable(call)
    columns, rows = await read_file(call)
    return _start(call, columns, rows, _path_option(call), [the_list.id])


async def import_collection(call: Call) -> Response:
    """Import contacts from JSON, and put them on lists."""
    body = read_fields(call, "MALFORMED_REQUEST")
    option = body.choice("mergeOption", _OPTIONS, _OPTION_ORDER) or "overwrite"
    list_ids = _read_list_ids(call, body)
    if not (given := body.items("contacts")):
        raise refused("CONTACTS_ARE_NOT_SPECIFIED")
    columns, rows = read_contacts(given)
    return _start(call, columns, rows, option, list_ids)


async def get_status(call: Call) -> Response:
    """Return how far an import is."""
    job = _find(call)
    if job is None:
        raise refused("IMPORT_NOT_FOUND")
    return json_answer(_status_json(job, await call.account.jobs.look(job)))


async def get_report(call: Call) -> Response:
    """Return the counters of an import that ended."""
    return json_answer((await _reported(call)).counts)


async def get_report_faults(call: Call) -> Response:
    """Return what was not imported, as CSV, for about a week."""
    run = await _reported(call)
    if call.account.clock.now_ms() - run.finished_ms > _FAULTS_KEPT_MS:
        raise refused("IMPORT_REPORT_NOT_FOUND")
    return Response(run.faults_csv(), media_type="text/plain")


def _path_option(call: Call) -> MergeOption:
    given = call.path.get("mergeOption", "0")
    place = as_int32(given)
    if place is not None and 0 <= place < len(_OPTION_ORDER):
        return _OPTION_ORDER[place]
    if given.lower() not in _OPTIONS:
        raise invalid("mergeOption")
    return _OPTIONS[given.lower()]


def _read_list_ids(call: Call, body: Fields) -> list[int]:
    list_ids = []
    for given in body.items("addressBookIds"):
        the_list = call.account.lists.find(as_int32(given) or 0)
        if the_list is None:
            raise refused("ADDRESSBOOK_NOT_FOUND")
        if not the_list.is_writable:
            raise refused("ADDRESSBOOK_NOTWRITABLE")
        list_ids.append(the_list.id)
    return list_ids


def _start(
    call: Call,
    columns: Sequence[str],
    rows: Sequence[Row],
    option: MergeOption,
    list_ids: list[int],
) -> Response:
    account = call.account
    if account.jobs.active("import") >= account.settings.active_import_limit:
        raise refused("IMPORT_TOOMANYACTIVEIMPORTS")
    run = ImportRun(account, columns, rows, option, list_ids)
    job = account.jobs.submit(
        "import",
        "v2",
        total=len(rows),
        duration_s=account.settings.import_duration_s,
        apply=run.apply,
        report=run,
        finish=run.finish,
        fate=call.fate,
    )
    return json_answer(_status_json(job, None), 202)


def _find(call: Call) -> Job | None:
    import_id = call.path["importId"]
    try:
        uuid.UUID(import_id)
    except ValueError:
        raise invalid("importId") from None
    return call.account.jobs.find(import_id, "import", "v2")


async def _reported(call: Call) -> ImportRun:
    """Return what an import that went through left; refuses one that has not [sdk:magento2]."""
    job = _find(call)
    status = await call.account.jobs.look(job) if job is not None else None
    run = job.report if job is not None else None
    if not isinstance(run, ImportRun) or status not in {"Finished", "ExceedsAllowedContactLimit"}:
        raise refused("IMPORT_REPORT_NOT_FOUND")
    return run


def _status_json(job: Job, status: str | None) -> dict[str, str]:
    return {"id": job.id, "status": status or "NotFinished"}


_LIST = "/v2/address-books/{id}/contacts/import"

OPERATIONS = (
    Operation("POST", "/v2/contacts/import", import_file),
    Operation("POST", "/v2/contacts/import/with-merge-option/{mergeOption}", import_file),
    Operation("POST", _LIST, import_file_into_list),
    Operation("POST", f"{_LIST}/with-merge-option/{{mergeOption}}", import_file_into_list),
    Operation("POST", "/v2/contacts/import-collection", import_collection),
    Operation("GET", "/v2/contacts/import/{importId}", get_status),
    Operation("GET", "/v2/contacts/import/{importId}/report", get_report),
    Operation("GET", "/v2/contacts/import/{importId}/report-faults", get_report_faults),
)
