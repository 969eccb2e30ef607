"""v3 of the sandbox: imports as jobs, from the call that takes one in to its end."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import V3, Json, calling_v3, codes, entry

UNKNOWN_GUID = "af4ac4bc-e1e7-4817-8a66-73fb59e91ce6"
BAD_REQUEST = (400, "contacts:badRequest")
IMPORT = "/contacts/v3/import"


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


async def test_import_without_a_duration_is_finished_at_the_first_look(v3: V3) -> None:
    import_id = await v3.submit(
        *(entry(identifiers={"email": f"p{n}@b.example"}) for n in range(700))
    )
    report = await v3.report(import_id)
    assert report["status"] == "Finished"
    assert report["summary"]["newContacts"] == len(report["created"]) == 700


async def test_import_lasts_as_long_as_the_account_says(v3: V3) -> None:
    v3.control.set_settings({"import_duration_s": 30})
    import_id = await v3.submit(entry())
    v3.sandbox.clock.advance(29.999)
    assert await v3.report(import_id) == {"importId": import_id, "status": "NotFinished"}
    assert v3.account.contacts.live_count == 0
    v3.sandbox.clock.advance(0.001)
    assert (await v3.report(import_id))["status"] == "Finished"
    assert v3.account.contacts.live_count == 1


async def test_opt_out_made_while_an_import_runs_is_not_undone_by_it(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    v3.control.set_settings({"import_duration_s": 30})
    import_id = await v3.submit(entry(dataFields={"FIRSTNAME": "Ann"}))
    v3.control.unsubscribe("ann@b.example")
    v3.sandbox.clock.advance(30)
    await v3.report(import_id)
    contact = await v3.get("email/ann@b.example")
    assert (contact["status"], contact["dataFields"]["FIRSTNAME"]) == ("unsubscribed", "Ann")


async def test_imports_are_done_in_the_order_in_which_they_came(v3: V3) -> None:
    # The first are long and name her at their very end: the last would be done before them.
    ids = [
        await v3.submit(
            *(entry(identifiers={"email": f"p{n}@b.example"}) for n in range(others)),
            entry(dataFields={"FIRSTNAME": f"after {others}"}),
        )
        for others in (1100, 600, 0)
    ]
    await v3.report(ids[-1])
    assert (await v3.get("email/ann@b.example"))["dataFields"]["FIRSTNAME"] == "after 0"


async def test_report_stays_as_it_was_when_the_import_ended(v3: V3) -> None:
    import_id = await v3.submit(entry())
    report = await v3.report(import_id)
    [made] = report["created"]
    await v3.patch(f"contactId/{made['contactId']}", {"identifiers": {"email": "ann@c.example"}})
    assert await v3.report(import_id.upper()) == report


async def test_no_more_than_25_imports_are_active_at_once(v3: V3) -> None:
    v3.control.set_settings({"import_duration_s": 30})
    ids = [await v3.submit(entry()) for _ in range(25)]
    refusal = (429, "contacts:tooManyActiveImports")
    assert await v3.refused("PUT", IMPORT, {"contacts": [entry()]}) == refusal
    v3.sandbox.clock.advance(30)
    await v3.report(ids[-1])
    await v3.submit(entry())


@pytest.mark.parametrize(
    "body,refusal",
    [
        pytest.param([entry()], BAD_REQUEST, id="no object"),
        pytest.param({}, BAD_REQUEST, id="no contacts"),
        pytest.param({"contacts": []}, BAD_REQUEST, id="an empty array of contacts"),
        pytest.param({"contacts": {}}, BAD_REQUEST, id="contacts as an object"),
        pytest.param({"contacts": [entry()], "mergeOption": "append"}, BAD_REQUEST, id="no option"),
        pytest.param({"contacts": [entry()], "mergeOption": 1}, BAD_REQUEST, id="v2's option"),
    ],
)
async def test_envelope_that_is_not_right_is_refused(
    v3: V3, body: Json, refusal: tuple[int, str]
) -> None:
    assert await v3.refused("PUT", IMPORT, body) == refusal
    assert v3.account.contacts.live_count == 0


@pytest.mark.parametrize("broken", [b"", b"{", b'{"contacts": [}', b"\xff"])
async def test_broken_json_is_refused(v3: V3, broken: bytes) -> None:
    assert await v3.refused("PUT", IMPORT, content=broken) == (400, "contacts:badJson")


async def test_body_over_50_megabytes_is_refused(v3: V3) -> None:
    refused = await v3.call("PUT", IMPORT, content=b" " * (50 * 1024 * 1024 + 1))
    assert refused.status_code == 413


@pytest.mark.parametrize(
    "import_id,refusal",
    [
        pytest.param("123646", (400, "contacts:invalidId"), id="no id"),
        pytest.param(UNKNOWN_GUID, (404, "contacts:importNotFound"), id="the id of nothing"),
    ],
)
async def test_import_that_there_is_none_of_is_not_found(
    v3: V3, import_id: str, refusal: tuple[int, str]
) -> None:
    assert await v3.refused("GET", f"{IMPORT}/{import_id}") == refusal


async def test_deletion_is_no_import(v3: V3) -> None:
    made = await v3.done("POST", "/contacts/v3/delete", [{"contactId": 7}], 202)
    refusal = (404, "contacts:importNotFound")
    assert await v3.refused("GET", f"{IMPORT}/{made['deleteId']}") == refusal


async def test_import_of_another_account_is_not_found(v3: V3) -> None:
    import_id = await v3.submit(entry())
    v3.control.add_account(username="other", password="secret-7")
    other = await v3.call("GET", f"{IMPORT}/{import_id}", auth=("other", "secret-7"))
    assert other.status_code == 404


async def test_import_beyond_the_allowance_updates_and_stops_creating(v3: V3) -> None:
    v3.control.add_contacts([{"identifiers": {"email": "ann@b.example"}}])
    v3.control.set_settings({"contact_allowance": 2})
    import_id = await v3.submit(
        entry(identifiers={"email": "bob@b.example"}),
        entry(identifiers={"email": "cy@b.example"}),
        entry(dataFields={"FIRSTNAME": "Ann"}),
    )
    report = await v3.report(import_id)
    assert report["status"] == "ExceedsAllowedContactLimit"
    assert (len(report["created"]), len(report["updated"])) == (1, 1)
    assert codes(report) == [["exceedsAllowedContactLimit"]]
    assert v3.account.contacts.live_count == 2


@pytest.mark.parametrize("status", ["Failed", "RejectedByWatchdog", "ExceedsAllowedContactLimit"])
async def test_import_that_ends_badly_by_a_fault_does_nothing(v3: V3, status: str) -> None:
    v3.control.set_settings({"import_duration_s": 10})
    v3.control.add_fault("job_ends", path=IMPORT, method="PUT", job_status=status)
    failing, fine = await v3.submit(entry()), await v3.submit(entry())
    assert (await v3.report(failing))["status"] == "NotFinished"
    v3.sandbox.clock.advance(10)
    assert await v3.report(failing) == {"importId": failing, "status": status}
    assert (await v3.report(fine))["status"] == "Finished"


async def test_import_that_hangs_holds_its_slot_until_it_is_released(v3: V3) -> None:
    v3.control.set_settings({"active_import_limit": 2})
    v3.control.add_fault("job_hangs", path=IMPORT)
    hanging = await v3.submit(entry())
    assert (await v3.imported(entry(identifiers={"email": "bob@b.example"})))["created"]
    v3.sandbox.clock.advance(86_400)
    assert (await v3.report(hanging))["status"] == "NotFinished"
    assert v3.account.jobs.active("import") == 1
    assert v3.control.release_jobs() == 1
    assert (await v3.report(hanging))["status"] == "Finished"


async def test_report_that_loses_records_has_counted_them(v3: V3) -> None:
    v3.control.add_fault("report_loses", path=IMPORT, share=0.25)
    report = await v3.imported(*(entry(identifiers={"email": f"p{n}@b.example"}) for n in range(8)))
    assert len(report["created"]) == 6
    assert report["summary"]["newContacts"] == v3.account.contacts.live_count == 8
