"""Every fact of Dotdigital's that is only inferred: one function or figure each, with its source.

What the vendor documents stands where it is used; what is in here may turn out otherwise with a
real account, and is then changed here alone.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

#: No vendor's figure: the first answer under a limit corrects it. Seeds: 75 a minute for adding.
ADD_CALLS_A_MINUTE: Final = 75
#: The seeds' figure for removing.
REMOVE_CALLS_A_MINUTE: Final = 35
#: No source but that the tiers are said to rise.
MEDIUM_CALLS_A_MINUTE: Final = 150
HIGH_CALLS_A_MINUTE: Final = 300
#: The old flat scheme [doc]; that it is counted as a rolling hour is the error's own text.
FLAT_CALLS_AN_HOUR: Final = 2000

#: ``lowCallRate`` stands in the vendor's example [doc]; the others follow by analogy.
LOW_SCOPE: Final = "lowCallRate"
MEDIUM_SCOPE: Final = "mediumCallRate"
HIGH_SCOPE: Final = "highCallRate"
#: Ours, until an answer names the scope: the seeds count removals by themselves.
REMOVAL_SCOPE: Final = "removals"
#: Ours: the flat scheme's answers name no scope.
FLAT_SCOPE: Final = "flat"

#: A 429 is waited out until its reset and a little more, for the clocks may differ.
RESET_MARGIN_S: Final = 1.0
#: How long a 429 that names no reset is waited out: one window of the tiered scheme.
WAIT_WITHOUT_RESET_S: Final = 60.0
#: The flat scheme names no reset either, and calls leave its hour one by one.
FLAT_SCHEME_WAIT_S: Final = 300.0

#: No maximum is stated for `suppress-contacts` or for removal from a list: the v3 delete's.
MAX_IDS: Final = 5000
#: Rows that leave a v2 collection while it is paged shift the rest up; OroCRM reads 100 twice.
SKIP_OVERLAP: Final = 100


@dataclass(frozen=True, slots=True)
class AssumedScope:
    """How a call is counted until an answer says so itself."""

    scope: str
    limit: int
    window_s: float = 60.0


_LOW = AssumedScope(LOW_SCOPE, ADD_CALLS_A_MINUTE)
_REMOVAL = AssumedScope(REMOVAL_SCOPE, REMOVE_CALLS_A_MINUTE)
_MEDIUM = AssumedScope(MEDIUM_SCOPE, MEDIUM_CALLS_A_MINUTE)
_HIGH = AssumedScope(HIGH_SCOPE, HIGH_CALLS_A_MINUTE)
FLAT: Final = AssumedScope(FLAT_SCOPE, FLAT_CALLS_AN_HOUR, 3600.0)

#: First match wins; after the general wording of the vendor's page of rate limits [doc].
_BY_CALL: Final[tuple[tuple[re.Pattern[str], AssumedScope], ...]] = tuple(
    (re.compile(pattern), scope)
    for pattern, scope in (
        (r"POST /contacts/v3/delete", _REMOVAL),
        (r"POST /v2/address-books/\{\w+\}/contacts/delete(-all)?", _REMOVAL),
        (r"DELETE .*", _REMOVAL),
        (r"PUT /contacts/v3/import|GET /contacts/v3|PUT /v2/contacts/suppress-contacts", _LOW),
        (r"POST /v2/.*import.*|GET /insightData/v3/.*", _LOW),
        (r"GET /v2/(account-info|server-time|data-fields|preferences)", _HIGH),
        (r"GET /v2/address-books(/\{\w+\})?", _HIGH),
        (r"GET /contacts/v3/.*|GET /v2/contacts/deletion/.*", _HIGH),
    )
)


def assumed_scope(call: str) -> AssumedScope:
    """Return how a call (method and path template) is counted until an answer names its scope.

    The vendor's pages name each call's tier, but no stored copy has that line.
    """
    for pattern, scope in _BY_CALL:
        if pattern.fullmatch(call):
            return scope
    return _MEDIUM


def assumed_limit(scope: str, call: str) -> AssumedScope:
    """Return the limit and window to start with for a scope that an answer named.

    The scope's name decides where it is one we know; else the call's own guess does.
    """
    for known in (_LOW, _MEDIUM, _HIGH, FLAT):
        if known.scope.lower() == scope.lower():
            return AssumedScope(scope, known.limit, known.window_s)
    return AssumedScope(scope, assumed_scope(call).limit)


def is_unlimited(scope: str) -> bool:
    """Say whether calls of this scope are not counted: the tier is called Unlimited [doc].

    How its name is spelt in ``X-RateLimit-Scope`` isn't documented.
    """
    return "unlimited" in scope.lower()


def is_slot_code(code: str) -> bool:
    """Say whether a 429 with this v3 code is about job slots: two such codes are documented."""
    return re.fullmatch(r"\w+:tooMany\w*(Imports|Jobs)", code) is not None


def epoch_seconds(epoch: float) -> float:
    """Return an epoch in seconds: documented so, guarded against milliseconds."""
    return epoch / 1000 if epoch > 1e11 else float(epoch)


def is_window_end(left_s: float) -> bool:
    """Say whether a window can end so many seconds from now: a minute's, or at most an hour's.

    One that has just ended counts; anything else is a clock that runs apart.
    """
    return -60.0 <= left_s <= 3660.0


def is_no_date(year: int) -> bool:
    """Say whether a date of this year stands for none, as ``0001-01-01`` does in activity rows."""
    return year < 1990


#: Statuses of a job that goes on, over all kinds of jobs of both frameworks [spec, for others].
_RUNNING: Final = frozenset({"notstarted", "notfinished", "started", "processing", "queued"})


def is_running(status: str) -> bool:
    """Say whether a job with this status has not ended.

    Documented for imports is only ``NotFinished``; the others stand at other kinds of jobs.
    """
    return status.lower() in _RUNNING


_LEGACY_HOST: Final = re.compile(
    r"(?:(?P<region>r\d+)[-.])?(?:api\.dotmailer\.com|apiconnector\.com)"
)
_REGION: Final = re.compile(r"(r\d+)[-.]")


def modern_endpoint(url: str) -> str:
    """Return an endpoint without a trailing ``/`` and ``/v2``, its old host name by the new one.

    The vendor's example has the slash [doc]; OroCRM guards against ``/v2``; the old names are met
    in stored settings (Magento 2 extension). That each has a twin of the new name is inferred.
    """
    plain = url.strip().rstrip("/")
    if plain.lower().endswith("/v2"):
        plain = plain[:-3].rstrip("/")
    try:
        legacy = _LEGACY_HOST.fullmatch((urlsplit(plain).hostname or "").lower())
    except ValueError:
        return plain
    if legacy is None:
        return plain
    return f"https://{legacy['region'] or 'r1'}-api.dotdigital.com"


def region_of(host: str) -> str | None:
    """Return ``r1``, ``r2`` or ``r3`` as the host's name tells it, else None."""
    found = _REGION.match(host.lower())
    return found[1] if found else None


#: The closed list of v3 [spec], odd codes and all.
_LOCALES: Final = (
    *("cs-CS", "da-DA", "de-DE", "el-EL", "en-EN", "es-ES", "es", "fi-FI", "fr-FR", "hu-HU"),
    *("it-IT", "nl-NL", "nb-NO", "pl-PL", "pt-PT", "ru-RU", "se-SE", "sk-SK", "tr-TR", "zh-CN"),
)
_LANGUAGES: Final = {"no": "nb", "nn": "nb", "sv": "se"}


def preferred_locale(locale: str) -> str | None:
    """Return the vendor's code for a locale such as ``en-GB``; None where it has no such language.

    That the codes stand for languages, and that ``se-SE`` is Swedish, is our reading of the list.
    """
    wanted = locale.strip().replace("_", "-").lower()
    for known in _LOCALES:
        if known.lower() == wanted:
            return known
    language = wanted.partition("-")[0]
    language = _LANGUAGES.get(language, language)
    return next((known for known in _LOCALES if known.partition("-")[0] == language), None)
