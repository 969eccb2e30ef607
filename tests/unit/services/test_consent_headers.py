"""What headers say of consent: which hint they get, and which files are refused for them."""

import pytest

from app.errors import Invalid
from app.services.column_map import plan_columns, read_columns
from app.services.consent_headers import Consent, consent_of
from app.services.field_hints import hint, likely_field


@pytest.mark.parametrize(
    "header",
    ["Unsubscribed", "Opt out", "optedOut", "EMAIL_OPT_OUT", "HasOptedOutOfEmail", "do_not_email",
     "DoNotBulkEMail", "unsubscribed from all email", "is_unsubscribed", "not_subscribed",
     "NOEMAIL", "no mail", "noMarketing", "Opt out of membership", "Suppressed",
     "email/sms opt out", "No marketing emails"],
)  # fmt: skip
def test_header_that_says_who_opted_out_looks_like_no_email(header: str) -> None:
    assert consent_of(header) is Consent.OPT_OUT
    assert likely_field(header) == "no_email"


@pytest.mark.parametrize(
    "header",
    ["subscribed", "can_email", "email_opt_in", "OptIn", "Opted in", "is subscribed", "Can mail",
     "Accepts Email Marketing", "email consent", "not unsubscribed", "Email allowed", "mailable"],
)  # fmt: skip
def test_header_that_means_the_reverse_is_said_to_and_never_hinted_at(header: str) -> None:
    assert consent_of(header) is Consent.OPT_IN
    assert likely_field(header) is None
    assert "reverse of no_email" in hint(header)


@pytest.mark.parametrize(
    "header",
    ["sms_opt_out", "opt_out_date", "unsubscribed_at", "unsubscribedOn", "UNSUB_TIME",
     "OPTIN_TIME", "do_not_call", "Phone opt-in", "unsubscribe_url", "direct mail opt out",
     "opt_out_reason", "UNSUB_CAMPAIGN_TITLE", "optoutdate", "do_email",
     "deliverable", "email deliverable", "dont_sync_with_mailer",
     "notify_email", "bounced_at"],
)  # fmt: skip
def test_dates_other_channels_and_near_misses_get_no_hint(header: str) -> None:
    assert likely_field(header) is None
    assert hint(header) == ""


@pytest.mark.parametrize(
    "header",
    ["option", "optional", "Subscriber", "subscription_plan", "options", "coupon", "Casino Email",
     "American email", "Techno newsletter", "Email no", "adopting"],
)  # fmt: skip
def test_header_that_has_nothing_to_do_with_consent_says_nothing_of_it(header: str) -> None:
    assert consent_of(header) is None


@pytest.mark.parametrize("header", ["no_emial", "No  e-mail", "no_email_"])
def test_misspelt_flag_is_still_known(header: str) -> None:
    assert likely_field(header) == "no_email"


@pytest.mark.parametrize(
    "header, told",
    [
        pytest.param(["email", "Unsubscribed"],
                     'Map it: columns={"Unsubscribed": "no_email"}', id="an opt-out"),
        pytest.param(["email", "no_emial"], 'columns={"no_emial": "no_email"}', id="misspelt"),
        pytest.param(["email", "no_email", "Opt out"],
                     "Another column is no_email already", id="a second opt-out"),
        pytest.param(["email", "Opt out", "Unsubscribed"], "Put what they say into one column",
                     id="two opt-outs"),
        pytest.param(["email", "unsubscribed_at"], "which no_email can't take",
                     id="when somebody opted out"),
        pytest.param(["email", "subscribed"], "the reverse of no_email", id="the reverse"),
        pytest.param(["email", "subscribed"], 'columns={"subscribed": null}',
                     id="how to leave it out"),
    ],
)  # fmt: skip
def test_file_whose_opt_outs_would_be_ignored_is_refused(header: list[str], told: str) -> None:
    with pytest.raises(Invalid) as caught:
        plan_columns(header, {})
    assert told in caught.value.detail
    assert "nothing is stored" in caught.value.detail


@pytest.mark.parametrize(
    "header, columns",
    [
        pytest.param(["email", "Unsubscribed"], '{"Unsubscribed": "no_email"}', id="mapped"),
        pytest.param(["email", "Unsubscribed"], '{"Unsubscribed": null}', id="left out on purpose"),
        pytest.param(["email", "subscribed"], '{"subscribed": "custom.subscribed"}', id="kept"),
        pytest.param(["email", "no_email", "unsubscribed_at", "subscribed"], None, id="told twice"),
        pytest.param(["email", "custom.unsubscribed"], None, id="by its own name"),
        pytest.param(["email", "sms_opt_out", "OPTIN_TIME", "unsubscribe_url"], None, id="others"),
    ],
)
def test_file_is_taken_where_nobody_who_opted_out_is_overlooked(
    header: list[str], columns: str | None
) -> None:
    plan_columns(header, read_columns(columns))
