"""How much a data field or a preference is named like a person field. Pure."""

import re
from difflib import SequenceMatcher
from typing import Final

#: Other names that our fields are met under, as `_bare` writes them.
_SYNONYMS: Final[dict[str, frozenset[str]]] = {
    "external_ref": frozenset({"crmid", "customerid", "externalid", "customerref"}),
    "mobile_number": frozenset({"mobile", "mobilephone", "cellphone", "phone"}),
    "full_name": frozenset({"name", "contactname"}),
    "first_name": frozenset({"fname", "forename", "givenname"}),
    "last_name": frozenset({"lname", "surname", "familyname"}),
    "title": frozenset({"salutation", "prefix"}),
    "job_title": frozenset({"job", "role", "position", "jobrole"}),
    "organisation": frozenset({"organization", "company", "companyname", "employer"}),
    "address_line_1": frozenset({"address", "address1", "street"}),
    "address_line_2": frozenset({"address2", "street2"}),
    "city": frozenset({"town", "posttown"}),
    "county": frozenset({"district"}),
    "state": frozenset({"province", "region"}),
    "postcode": frozenset({"postalcode", "zip", "zipcode"}),
    "country": frozenset({"countryname"}),
    "created_at": frozenset({"created", "datecreated"}),
    "updated_at": frozenset({"updated", "lastupdated"}),
}
#: Below this, names are alike by chance.
ALIKE: Final = 0.8


def likeness(path: str, name: str) -> float:
    """Return how alike a person field and a name there are: 1 where they are the same."""
    theirs = _bare(name)
    ours = _bare(path.removeprefix("custom."))
    if not theirs or not ours:
        return 0.0
    if theirs == ours or theirs == _bare(path):
        return 1.0
    if theirs in _SYNONYMS.get(path, ()):
        return 0.9
    # A pair of known synonyms of another field is alike by chance: state and estate, say.
    ratio = SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
    return round(min(ratio, 0.89), 2)


def _bare(name: str) -> str:
    """Return the name's letters and digits, in lower case."""
    return re.sub(r"[\W_]", "", name.casefold())
