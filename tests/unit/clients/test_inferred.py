"""What is only inferred, pinned down: whoever learns better changes it here and there alone."""

import pytest

from app.clients.dotdigital.inferred import (
    assumed_limit,
    assumed_scope,
    is_no_date,
    is_running,
    is_slot_code,
    is_unlimited,
    preferred_locale,
)


@pytest.mark.parametrize(
    "call, scope, limit",
    [
        ("PUT /contacts/v3/import", "lowCallRate", 75),
        ("GET /contacts/v3", "lowCallRate", 75),
        ("PUT /v2/contacts/suppress-contacts", "lowCallRate", 75),
        ("POST /v2/contacts/import-collection", "lowCallRate", 75),
        ("POST /contacts/v3/delete", "removals", 35),
        ("POST /v2/address-books/{addressBookId}/contacts/delete", "removals", 35),
        ("DELETE /v2/address-books/{addressBookId}/contacts/{contactId}", "removals", 35),
        ("DELETE /contacts/v3/{identifier}/{value}", "removals", 35),
        ("GET /contacts/v3/import/{importId}", "highCallRate", 300),
        ("GET /contacts/v3/delete/{deleteId}", "highCallRate", 300),
        ("GET /contacts/v3/{identifier}/{value}", "highCallRate", 300),
        ("GET /v2/contacts/deletion/{deletionRequestId}", "highCallRate", 300),
        ("GET /v2/account-info", "highCallRate", 300),
        ("GET /v2/address-books", "highCallRate", 300),
        ("GET /v2/address-books/{id}", "highCallRate", 300),
        ("PATCH /contacts/v3/{identifier}/{value}", "mediumCallRate", 150),
        ("POST /v2/address-books", "mediumCallRate", 150),
        ("POST /v2/address-books/{id}/contacts", "mediumCallRate", 150),
        ("GET /v2/contacts/suppressed-since/{date}", "mediumCallRate", 150),
        ("GET /v2/campaigns/{campaignId}/opens/since-date/{date}", "mediumCallRate", 150),
        ("GET /v2/campaigns/metrics", "mediumCallRate", 150),
        ("GET /v2/surveys/{id}/responses", "mediumCallRate", 150),
        ("GET /v2/document-folders", "mediumCallRate", 150),
        ("GET /insightData/v3/contacts/{collectionName}", "lowCallRate", 75),
    ],
)
def test_how_a_call_is_counted_until_an_answer_says_so(call: str, scope: str, limit: int) -> None:
    assumed = assumed_scope(call)
    assert (assumed.scope, assumed.limit, assumed.window_s) == (scope, limit, 60)


@pytest.mark.parametrize(
    "scope, limit, window_s",
    [
        ("LOWCALLRATE", 75, 60),
        ("mediumCallRate", 150, 60),
        ("flat", 2000, 3600),
        ("somethingElse", 35, 60),
    ],
)
def test_what_a_named_scope_starts_with(scope: str, limit: int, window_s: float) -> None:
    assumed = assumed_limit(scope, "POST /contacts/v3/delete")
    assert (assumed.scope, assumed.limit, assumed.window_s) == (scope, limit, window_s)


@pytest.mark.parametrize(
    "locale, expected",
    [
        ("en-GB", "en-EN"),
        ("EN_us", "en-EN"),
        ("de", "de-DE"),
        ("es", "es"),
        ("es-MX", "es-ES"),
        ("da-DK", "da-DA"),
        ("sv-SE", "se-SE"),
        ("nn-NO", "nb-NO"),
        ("zh-cn", "zh-CN"),
        ("cy-GB", None),
        ("", None),
    ],
)
def test_a_locale_goes_out_as_the_nearest_of_the_vendors(locale: str, expected: str | None) -> None:
    assert preferred_locale(locale) == expected


@pytest.mark.parametrize(
    "status, expected",
    [("NotFinished", True), ("notstarted", True), ("Started", True), ("Finished", False)],
)
def test_which_jobs_go_on(status: str, expected: bool) -> None:
    assert is_running(status) is expected


@pytest.mark.parametrize(
    "code, expected",
    [
        ("contacts:tooManyActiveImports", True),
        ("contacts:tooManyBulkDeleteJobs", True),
        ("contacts:tooManyRequests", False),
    ],
)
def test_which_codes_mean_a_slot(code: str, expected: bool) -> None:
    assert is_slot_code(code) is expected


def test_small_readings() -> None:
    assert is_no_date(1)
    assert not is_no_date(1990)
    assert is_unlimited("unlimitedCallRate")
    assert not is_unlimited("highCallRate")
