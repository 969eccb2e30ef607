"""What each answer means: every code of the vendor's registry, every status, both envelopes."""

import re
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import yaml

from app.clients.dotdigital import (
    BadCredentials,
    CircuitOpen,
    DotdigitalError,
    ErrorDetail,
    NotFound,
    NotPermitted,
    ProtocolError,
    RateLimited,
    Rejected,
    Retryable,
    ServerFault,
    Unreachable,
    WaitForSlot,
    WrongRegion,
)
from app.clients.dotdigital.errors import error_from
from tests.clock import START
from tests.factories.dotdigital import example

#: Every v2 code that is not simply a refusal.
V2 = {
    "ERROR_ACCOUNT_INVALID": NotPermitted,
    "ERROR_ADDRESSBOOK_NOT_FOUND": NotFound,
    "ERROR_APIUSAGE_EXCEEDED": RateLimited,
    "ERROR_APIUSER_INVALID": BadCredentials,
    "ERROR_CAMPAIGN_NOT_FOUND": NotFound,
    "ERROR_CANNOT_PERFORM_OPERATION_ON_ACCOUNT": NotPermitted,
    "ERROR_CONTACT_NOT_FOUND": NotFound,
    "ERROR_DATAFIELD_NOTFOUND": NotFound,
    "ERROR_DOCUMENT_FOLDER_NOT_FOUND": NotFound,
    "ERROR_DOCUMENT_NOT_FOUND": NotFound,
    "ERROR_ENROLMENT_NOT_FOUND": NotFound,
    "ERROR_FEATURENOTACTIVE": NotPermitted,
    "ERROR_IMAGE_FOLDER_NOT_FOUND": NotFound,
    "ERROR_IMPORT_NOT_FOUND": NotFound,
    "ERROR_IMPORT_REPORT_NOT_FOUND": NotFound,
    "ERROR_IMPORT_TOOMANYACTIVEIMPORTS": WaitForSlot,
    "ERROR_INVALID_LOGIN": BadCredentials,
    "ERROR_OAUTH_TOKEN_INVALID": BadCredentials,
    "ERROR_PREFERENCE_NOT_FOUND": NotFound,
    "ERROR_PROGRAM_NOT_FOUND": NotFound,
    "ERROR_SEGMENT_NOT_FOUND": NotFound,
    "ERROR_SURVEY_NOT_FOUND": NotFound,
    "ERROR_SYSTEM_SERVICETEMPORARILYUNAVAILABLE": ServerFault,
    "ERROR_TEMPLATE_NOT_FOUND": NotFound,
    "ERROR_TRANSACTIONAL_DATA_COLLECTION_DOES_NOT_EXIST": NotFound,
    "ERROR_TRANSACTIONAL_DATA_DOES_NOT_EXIST": NotFound,
    "ERROR_UNKNOWN_ACCOUNT": BadCredentials,
    "ERROR_USERACCOUNT_UNKNOWN": BadCredentials,
}

V3 = [
    *[
        (400, f"contacts:{name}", Rejected)
        for name in (
            "badJson",
            "badRequest",
            "invalidContacts",
            "invalidId",
            "invalidFilter",
            "noContactsSpecified",
            "invalidDeleteId",
        )
    ],
    *[
        (400, f"events:{name}", Rejected)
        for name in (
            "badJson",
            "invalidCheckpoint",
            "invalidEventType",
        )
    ],
    *[
        (400, f"insightData:{name}", Rejected)
        for name in (
            "badJson",
            "invalidId",
            "noRecordsSpecified",
        )
    ],
    (400, "customIdentifiers:nameTooLong", Rejected),
    *[(404, f"contacts:{name}", NotFound) for name in ("contactNotFound", "importNotFound")],
    *[
        (404, f"insightData:{name}", NotFound)
        for name in (
            "importNotFound",
            "asyncJobNotFound",
            "collectionNotFound",
            "recordNotFound",
            "contactNotFound",
        )
    ],
    (404, "customIdentifiers:notExist", NotFound),
    (409, "contacts:idAlreadyExists", Rejected),
    (409, "events:nameAlreadyExists", Rejected),
    (409, "events:inactiveSubscription", Rejected),
    (409, "customIdentifiers:nameAlreadyExists", Rejected),
    (409, "customIdentifiers:inUse", Rejected),
    (412, "customIdentifiers:limitReached", Rejected),
    (429, "contacts:tooManyActiveImports", WaitForSlot),
    (429, "contacts:tooManyBulkDeleteJobs", WaitForSlot),
    (429, "insightData:tooManyActiveImports", WaitForSlot),
]


def error(
    status: int, body: object = b"", headers: dict[str, str] | None = None
) -> DotdigitalError:
    whole = body if isinstance(body, bytes) else orjson.dumps(body)
    return error_from(status, headers or {}, whole, now=START)


def test_every_v2_code_of_the_registry_is_known(shared_dir: Path) -> None:
    registry = shared_dir / "reference" / "dotdigital-openapi" / "error-codes.yml"
    codes = [row["code"] for row in yaml.safe_load(registry.read_text())["error_codes"]]
    assert len(codes) == 95
    assert set(codes) >= set(V2)
    for code in codes:
        met = error(400, {"message": f"Something in words. {code} "})
        assert type(met) is V2.get(code, Rejected), code
        if not isinstance(met, RateLimited):
            assert code in str(met)


@pytest.mark.parametrize("status, code, expected", V3)
def test_every_v3_code_is_known(status: int, code: str, expected: type[DotdigitalError]) -> None:
    met = error(status, {"errorCode": code, "description": "In words"})
    assert type(met) is expected
    assert str(met) == f"In words ({code})"


@pytest.mark.parametrize("code, expected", V2.items())
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_the_code_goes_before_the_status(
    code: str, expected: type[DotdigitalError], status: int
) -> None:
    assert type(error(status, {"message": f"Error: {code}"})) is expected


@pytest.mark.parametrize(
    "status, body, expected",
    [
        pytest.param(400, b"", Rejected, id="400 and nothing else"),
        pytest.param(401, b"", BadCredentials, id="v3 says no more of credentials"),
        pytest.param(401, b"Authorization has been denied", BadCredentials, id="in plain text"),
        pytest.param(403, b"", WrongRegion, id="403 and nothing else: perhaps the region"),
        pytest.param(404, b"", NotFound, id="404 and nothing else"),
        pytest.param(408, b"", Rejected, id="408 is of other kinds"),
        pytest.param(413, b"<html>too large</html>", Rejected, id="413 of a proxy"),
        pytest.param(429, b"Too Many Requests", RateLimited, id="429 in plain text"),
        pytest.param(429, b"", RateLimited, id="429 and nothing else"),
        pytest.param(500, b"<html>oops</html>", ServerFault, id="500"),
        pytest.param(501, b"", ServerFault, id="501"),
        pytest.param(503, b'{"message":"ERROR_UNKNOWN"}', ServerFault, id="5xx with a code"),
        pytest.param(503, b'{"message":"... ERROR_X_IS_RESTORING"}', ServerFault, id="restoring"),
        pytest.param(504, b"null", ServerFault, id="a body that is null"),
        pytest.param(400, b"[1]", Rejected, id="a body that is an array"),
        pytest.param(301, b"", ProtocolError, id="a redirect, which is not followed"),
        pytest.param(101, b"", ProtocolError, id="1xx"),
    ],
)
def test_without_a_code_the_status_decides(
    status: int, body: bytes, expected: type[DotdigitalError]
) -> None:
    met = error(status, body)
    assert type(met) is expected
    assert str(met)
    assert "<html>" not in str(met)


@pytest.mark.parametrize(
    "name, status, expected",
    [
        pytest.param("error-v2-401", 401, BadCredentials, id="v2 wrong password"),
        pytest.param("error-v2-403-region", 403, WrongRegion, id="v2 region"),
        pytest.param("error-v2-403-feature", 403, NotPermitted, id="v2 feature"),
        pytest.param("error-v2-404-contact", 404, NotFound, id="v2 contact"),
        pytest.param("error-v2-400-suppressed", 400, Rejected, id="v2 suppressed"),
        pytest.param("error-v2-400-flat-limit", 400, RateLimited, id="v2 flat limit"),
        pytest.param("error-v2-429-tier", 429, RateLimited, id="v2 tier"),
        pytest.param("error-v2-404-import-report", 404, NotFound, id="v2 import report"),
        pytest.param("error-v3-400-filter", 400, Rejected, id="v3 filter"),
        pytest.param("error-v3-404-import", 404, NotFound, id="v3 import"),
        pytest.param("error-v3-409-id-exists", 409, Rejected, id="v3 identifier"),
        pytest.param("error-v3-429-active-imports", 429, WaitForSlot, id="v3 import slots"),
        pytest.param("error-v3-429-delete-jobs", 429, WaitForSlot, id="v3 delete slots"),
    ],
)
def test_the_example_answers_are_read(
    shared_dir: Path, name: str, status: int, expected: type[DotdigitalError]
) -> None:
    assert type(error(status, example(name))) is expected


def test_a_refusal_keeps_code_message_details_and_status() -> None:
    body = {
        "errorCode": "contacts:invalidContacts",
        "description": "Invalid contact data",
        "details": [
            {"item": "email", "description": "A value is required"},
            {"item": "firstName", "error": "Cannot exceed 256 characters"},
            "spelt as text",
        ],
    }
    met = error(400, body)
    assert isinstance(met, Rejected)
    assert (met.code, met.message, met.status) == (
        "contacts:invalidContacts",
        "Invalid contact data",
        400,
    )
    assert met.details == (
        ErrorDetail("email", "A value is required"),
        ErrorDetail("firstName", "Cannot exceed 256 characters"),
        ErrorDetail("", "spelt as text"),
    )


@pytest.mark.parametrize(
    "message, code, words",
    [
        pytest.param(
            "Email is not a valid email address. ERROR_PARAMETER_INVALID",
            "ERROR_PARAMETER_INVALID",
            "Email is not a valid email address.",
            id="words and a code",
        ),
        pytest.param(
            "Error: ERROR_ENROLMENT_ALLOWANCE_EXCEEDED ",
            "ERROR_ENROLMENT_ALLOWANCE_EXCEEDED",
            "",
            id="no words, and a blank behind",
        ),
        pytest.param(
            "ERROR_UNKNOWN in ERROR_EMAIL_BANNED",
            "ERROR_EMAIL_BANNED",
            "ERROR_UNKNOWN in",
            id="the last code counts",
        ),
        pytest.param("file must be valid", None, "file must be valid", id="no code"),
    ],
)
def test_a_v2_message_is_parted_into_words_and_code(
    message: str, code: str | None, words: str
) -> None:
    for body in ({"message": message}, {"Message": message}, message):
        met = error(400, body)
        assert isinstance(met, Rejected)
        assert (met.code, met.message) == (code, words)


def test_a_data_field_in_use_tells_what_uses_it() -> None:
    body = {"dependencies": [{"type": "Campaign", "objectId": 5501}], "result": False}
    met = error(409, body)
    assert isinstance(met, Rejected)
    assert met.details == (ErrorDetail("Campaign", "5501"),)


@pytest.mark.parametrize(
    "headers, waits_s, scope",
    [
        pytest.param(
            {"X-RateLimit-Reset": "1767603630", "x-ratelimit-scope": "lowCallRate"},
            31,
            "lowCallRate",
            id="until the reset and a second",
        ),
        pytest.param({"X-RateLimit-Reset": "1767603590"}, 1, None, id="the reset is past"),
        pytest.param({}, 60, None, id="no header: a window"),
        pytest.param({"Retry-After": "7"}, 7, None, id="Retry-After where there is no reset"),
        pytest.param({"X-RateLimit-Reset": "5"}, 60, None, id="a reset that makes no sense"),
    ],
)
def test_a_rate_limit_says_until_when(
    headers: dict[str, str], waits_s: float, scope: str | None
) -> None:
    met = error(429, b"", headers)
    assert isinstance(met, RateLimited)
    assert met.until == START + timedelta(seconds=waits_s)
    assert met.scope == scope


def test_the_flat_schemes_limit_is_waited_out_for_minutes() -> None:
    met = error(400, {"message": "capped. ERROR_APIUSAGE_EXCEEDED"})
    assert isinstance(met, RateLimited)
    assert (met.scope, met.until) == ("flat", START + timedelta(minutes=5))


def test_a_servers_own_wait_is_kept() -> None:
    met = error(503, b"", {"retry-after": "120"})
    assert isinstance(met, ServerFault)
    assert met.retry_after_s == 120


def test_every_class_is_in_the_tree_that_the_module_draws() -> None:
    from app.clients.dotdigital import errors  # noqa: PLC0415 - the module itself is looked at

    drawn = re.findall(r"^[│├└─ ]*(\w+)", errors.__doc__ or "", re.MULTILINE)
    defined = {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, DotdigitalError)
    }
    assert defined == {name for name in drawn if name in vars(errors)}
    for kind in (Unreachable, ServerFault, CircuitOpen):
        assert issubclass(kind, Retryable)
    assert issubclass(NotFound, Rejected)
