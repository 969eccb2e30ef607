"""Which field of a person a header looks like that is none: for a hint, never to act on. Pure."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from app.models.people import PERSON_TEXT_FIELDS
from app.services.consent_headers import Consent, consent_of

#: Fields that a header may name by itself. ``id`` is ours, and a foreign file often has one of its
#: own by that name, so it counts only where the caller's map says so.
FIELD_NAMES: Final = (
    "external_ref",
    "kind",
    *PERSON_TEXT_FIELDS,
    "custom",
    "sync_with_mailer",
    "no_email",
    "email_undeliverable",
)
#: What other systems call them, as their exports do.
_ALSO_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "external_ref": ("id", "contact id", "customer id", "customer number", "crm id", "record id",
                     "external id", "reference", "ref", "unique id", "user id", "member id"),
    "email": ("email address", "mail", "mail address", "email id", "primary email", "work email",
              "business email", "personal email", "contact email", "email 1"),
    "mobile_number": ("mobile", "mobile phone", "cell", "cell phone", "cellphone", "phone",
                      "phone number", "telephone", "telephone number", "tel", "sms", "msisdn"),
    "first_name": ("forename", "given name", "christian name", "firstname", "fname"),
    "last_name": ("surname", "family name", "second name", "lastname", "lname"),
    "title": ("salutation", "prefix", "honorific"),
    "job_title": ("position", "role", "occupation", "job"),
    "organisation": ("organization", "company", "company name", "employer", "business",
                     "organisation name", "organization name", "account name", "account"),
    "address_line_1": ("address", "address 1", "street", "street address", "street 1"),
    "address_line_2": ("address 2", "street 2"),
    "city": ("town", "town or city", "locality"),
    "state": ("province", "state or province", "region"),
    "postcode": ("zip", "zip code", "zip or postcode", "postal code", "postal", "post code"),
    "country": ("country name", "country code"),
    "kind": ("record type", "person type"),
    "email_undeliverable": ("bounced", "hard bounced", "email bounced", "undeliverable"),
}  # fmt: skip
#: Near to several fields in spelling, and none of them.
_NO_FIELD: Final = frozenset({"name", "fullname", "contactname", "nickname", "username"})
#: How near in spelling a header has to be.
_NEAR: Final = 0.75
#: Yes and no: a few letters more or less (``deliverable``) often mean the reverse.
_FLAGS: Final = frozenset({"sync_with_mailer", "no_email", "email_undeliverable"})
_NEAR_FLAG: Final = 0.85
_NEGATION: Final = re.compile("un|no|dis|dont")


def bare(name: str) -> str:
    """Return the name without case, blanks, hyphens and underscores: how headers are compared."""
    return "".join(name.replace("_", "").replace("-", "").split()).casefold()


_BY_NAME: Final = {
    **{bare(other): name for name, others in _ALSO_CALLED.items() for other in others},
    **{bare(name): name for name in FIELD_NAMES},
}


def likely_field(header: str) -> str | None:
    """Return the field that a header looks like, by a name that others use or by its spelling."""
    letters = _letters(header)
    if letters in _BY_NAME:
        return _BY_NAME[letters]
    if (consent := consent_of(header)) is not None:
        return "no_email" if consent is Consent.OPT_OUT else None
    if letters in _NO_FIELD:
        return None
    near = get_close_matches(letters, _BY_NAME, n=1, cutoff=_NEAR)
    if not near or (_BY_NAME[near[0]] in _FLAGS and not _is_slip(letters, near[0])):
        return None
    return _BY_NAME[near[0]]


def _is_slip(letters: str, name: str) -> bool:
    """Say whether this is the flag's name misspelt, not one that may mean the reverse."""
    if letters[:2] != name[:2] or letters in name or name in letters:
        return False
    if len(_NEGATION.findall(letters)) != len(_NEGATION.findall(name)):
        return False
    return bool(get_close_matches(letters, [name], n=1, cutoff=_NEAR_FLAG))


def likely_fields(headers: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Return by header the field that it looks like, unless another column is that field."""
    found: dict[str, str] = {}
    used = set(taken)
    for header in headers:
        field = likely_field(header)
        if field is not None and field not in used:
            found[header] = field
    return found


def looks_like_cells(header: str) -> bool:
    """Say whether a header that is no field looks like cells of rows, run together with it."""
    if "@" in header or '"' in header:
        return True
    letters = _letters(header)
    # The last column's name, with the first cell of the row that followed: last_nameC-1.
    return letters not in _BY_NAME and letters.startswith(tuple(map(bare, FIELD_NAMES)))


def hint(name: str) -> str:
    """Return ``Did you mean ...?`` behind a blank, or nothing; warns of the reverse of no_email."""
    if field := likely_field(name):
        return f" Did you mean {field}?"
    if consent_of(name) is Consent.OPT_IN:
        return " It seems to mean the reverse of no_email, which is true for who is not mailed."
    return ""


def _letters(header: str) -> str:
    return re.sub(r"[^\w]", "", bare(header))
