"""How a contact is encoded: to the byte as the vendor's examples, and never what would harm."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest

from app.clients.dotdigital import (
    ConsentRecord,
    ContactChange,
    ImportContact,
    Resubscribe,
    UnsendableContactError,
    encode_contact,
)
from app.clients.dotdigital.resources.contact_payloads import DataFieldValue, encode_change
from tests.factories.dotdigital import example

AT = datetime(2026, 3, 2, 9, 15, 30, 120000, timezone(timedelta(hours=1)))
CONSENT = ConsentRecord("Yes", AT, "https://a.example", "192.0.2.7", "Firefox")


def test_the_vendors_example_of_an_import_is_met(shared_dir: object) -> None:
    contacts = [
        ImportContact(
            email="sol.castro@mail.example",
            data_fields={"FIRSTNAME": "Sol", "SEATS": 2, "VIP": False},
            email_type="html",
            opt_in_type="single",
            status="subscribed",
            lists=[9021],
            preferences=[(61, True)],
        ),
        ImportContact(
            match_identifier="contactId",
            contact_id=700103,
            email="li.wen2@mail.example",
            data_fields={"POSTCODE": None},
        ),
        ImportContact(email="anna.berg@mail.example", status="unsubscribed"),
    ]
    expected = example("request-v3-import")["contacts"]
    assert [orjson.loads(encode_contact(contact)) for contact in contacts] == expected


def test_the_vendors_example_of_a_resubscription_is_met(shared_dir: object) -> None:
    change = ContactChange(
        status="subscribed",
        opt_in_type="single",
        resubscribe=Resubscribe(
            preferred_locale="en-GB", redirect_url="https://www.harbour.example/thanks"
        ),
    )
    assert orjson.loads(encode_change(change)) == example("request-v3-patch-resubscribe")


def test_what_is_not_given_is_not_sent() -> None:
    assert encode_change(ContactChange()) == b"{}"
    assert encode_contact(ImportContact(email="a@b.example")) == (
        b'{"matchIdentifier":"email","identifiers":{"email":"a@b.example"}}'
    )


@pytest.mark.parametrize(
    "value, written",
    [
        pytest.param("Ines", b'"Ines"', id="text"),
        pytest.param("", b'""', id="empty text"),
        pytest.param(None, b"null", id="null clears"),
        pytest.param(True, b"true", id="yes"),
        pytest.param(3, b"3", id="whole number"),
        pytest.param(0.25, b"0.25", id="fraction"),
        pytest.param(Decimal("3.50"), b"3.5", id="decimal"),
        pytest.param(Decimal(900719925474099), b"900719925474099", id="whole decimal"),
        pytest.param(date(2026, 3, 2), b'"2026-03-02"', id="date"),
        pytest.param(
            datetime(2026, 3, 2, 8, 15, tzinfo=UTC), b'"2026-03-02T08:15:00Z"', id="instant"
        ),
    ],
)
def test_how_a_value_is_written(value: DataFieldValue, written: bytes) -> None:
    assert encode_change(ContactChange(data_fields={"A": value})) == (
        b'{"dataFields":{"A":' + written + b"}}"
    )


def test_consent_is_written_in_utc() -> None:
    change = ContactChange(consent_records=[CONSENT])
    assert orjson.loads(encode_change(change)) == {
        "consentRecords": [
            {
                "text": "Yes",
                "dateTimeConsented": "2026-03-02T08:15:30Z",
                "url": "https://a.example",
                "ipAddress": "192.0.2.7",
                "userAgent": "Firefox",
            }
        ]
    }


@pytest.mark.parametrize(
    "contact, said",
    [
        pytest.param({}, "no email", id="no email"),
        pytest.param({"email": ""}, "no email", id="a blank email"),
        pytest.param(
            {"match_identifier": "contactId", "email": "ann@mail.example"},
            "no contactId",
            id="no contact id",
        ),
        pytest.param({"data_fields": {"A": float("nan")}}, "A is not a finite", id="not a number"),
        pytest.param({"data_fields": {"A": float("inf")}}, "A is not a finite", id="infinite"),
        pytest.param({"data_fields": {"A": Decimal("NaN")}}, "can't", id="decimal not a number"),
        pytest.param({"data_fields": {"A": "\ud800"}}, "can't", id="half a character"),
        pytest.param({"data_fields": {"A": 2**70}}, "can't", id="a number beyond JSON's"),
        pytest.param({"data_fields": {"A": object()}}, "can't", id="no value at all"),
        pytest.param({"status": "hardBounced"}, "no status", id="a status that can't be set"),
        pytest.param({"opt_in_type": "Single"}, "no optInType", id="an answer's spelling"),
        pytest.param({"email_type": "Html"}, "no emailType", id="an answer's spelling of html"),
        pytest.param({"resubscribe": Resubscribe()}, "resubscribed", id="without its status"),
        pytest.param(
            {"resubscribe": Resubscribe(), "status": "unsubscribed"},
            "resubscribed",
            id="with the other status",
        ),
        pytest.param({"lists": range(101)}, "101 lists", id="too many lists"),
        pytest.param({"consent_records": [CONSENT] * 6}, "6 consent", id="too many consents"),
        pytest.param({"custom_identifiers": {"a b": "1"}}, "'a b'", id="a name that is none"),
        pytest.param({"custom_identifiers": {"crm": ""}}, "'crm'", id="no value"),
        pytest.param({"custom_identifiers": {"crm": "x" * 257}}, "'crm'", id="too long a value"),
    ],
)
def test_what_dotdigital_would_not_take_is_refused_before(
    contact: dict[str, Any], said: str
) -> None:
    given = (
        contact if "email" in contact or not contact else {"email": "ann@mail.example"} | contact
    )
    with pytest.raises(UnsendableContactError, match=said) as met:
        encode_contact(ImportContact(**given))
    assert "ann" not in str(met.value)
