"""`GET /v2/account-info` and `GET /v2/server-time`."""

from starlette.responses import PlainTextResponse, Response

from sandbox import inferred
from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import text_of

#: Calls an hour of the flat scheme [doc].
FLAT_HOUR = 2000


async def account_info(call: Call) -> Response:
    """Answer what the account is, and which host it lives on; values are texts [spec]."""
    account = call.account
    used = account.calls_in_last_hour()
    allowed = account.settings.flat_rate_limit or FLAT_HOUR
    properties = (
        ("Name", "String", account.name),
        ("MainMobilePhoneNumber", "String", "447700900456"),
        ("MainEmail", "String", account.main_email),
        ("AvailableEmailSendsCredits", "Int", "250000"),
        ("AvailableSmsSendsCredits", "Int", "0"),
        ("PremiumWalletBalance", "Decimal", "0"),
        ("ListManagedUsers", "String", ""),
        ("APILocale", "String", "en-GB"),
        ("ApiCallsInLastHour", "Int", str(used)),
        ("ApiCallsRemaining", "Int", str(max(0, allowed - used))),
        ("ApiEndpoint", "String", f"{call.sandbox.hosts[account.region]}/"),
        ("CurrencyCode", "String", "GBP"),
        ("CampaignEmailMtaPool", "String", "Pool 3"),
        ("ShowClock", "Boolean", "False"),
        ("TimeZoneIana", "String", "Europe/London"),
        ("TransactionalDataAllowanceInMegabytes", "Int", "100"),
        ("TransactionalDataUsageInMegabytes", "Int", "0"),
    )
    return json_answer(
        {
            "id": account.id,
            "properties": [
                {"name": name, "type": type_, "value": value} for name, type_, value in properties
            ],
        }
    )


async def server_time(call: Call) -> Response:
    """Answer the clock's time; the two v2 documents disagree about its form."""
    now = text_of(call.account.clock.now_ms())
    if inferred.server_time_is_json(call.request.headers.get("accept", "")):
        return json_answer(now)
    return PlainTextResponse(f"{now[:10]} {now[11:-1]}000+00:00")


OPERATIONS = (
    Operation("GET", "/v2/account-info", account_info, any_region=True),
    Operation("GET", "/v2/server-time", server_time),
)
