"""What a header says of consent: that somebody is not to be mailed, the reverse, or neither. Pure.

Headers are told apart by their words, never by how near they are in spelling: ``subscribed`` and
``unsubscribed`` are nearly the same, and mean the reverse of each other.
"""

import json
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final


class Consent(Enum):
    """What the cells of a column say of consent."""

    #: Yes means: not to be mailed, as in ``no_email``.
    OPT_OUT = "opt_out"
    #: Yes means: may be mailed.
    OPT_IN = "opt_in"
    #: When or why somebody opted out: no yes or no, but who has one did opt out.
    OPT_OUT_DETAIL = "opt_out_detail"
    #: Something else about consent: when somebody opted in, another channel, a link.
    OTHER = "other"


_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
#: Over the letters of the header alone.
_OUT: Final = re.compile(
    r"unsub|opt(?:ed|s|ing)?out|do(?:es)?not(?:bulk|mass)?e?mail|donte?mail|suppress|stopemail"
    r"|not(?:yet)?(?:subscribed|opt(?:ed)?in)"
)
_IN: Final = re.compile(
    r"subscribed|opt(?:ed|s|ing)?in(?!g)|allows?e?mail|emailallowed|e?mailable|subscriptionstatus"
    r"|accepts?(?:e?mail|marketing|news)|(?:email|marketing|mailing)(?:consent|permission|ok)"
    r"|consent(?:to|for)?(?:email|marketing)|ok(?:ay)?toe?mail|(?:wants?|receives?)(?:e?mail|news)"
)
_NOT_OUT: Final = re.compile(r"not(?:yet)?(?:unsub|opt(?:ed)?out|suppress)")
#: Over its words with hyphens between, for a casino's email says nothing of the kind.
_OUT_BY_WORDS: Final = re.compile(r"(?:^|-)no-?(?:(?:e-?)?mail|news|marketing)")
_IN_BY_WORDS: Final = re.compile(r"(?:^|-)(?:can|may)-?(?:be-?)?(?:e-?)?mail")
#: Last words of a header whose cells are no yes or no.
_DETAIL_WORDS: Final = frozenset(
    {"date", "datetime", "time", "timestamp", "at", "on", "since", "when", "day", "reason", "other",
     "comment", "source", "campaign", "title", "id"}
)  # fmt: skip
_DETAIL: Final = re.compile(r"(?:date|time|timestamp|reason)$|(?:ed|in|out)(?:at|on)$")
_TECHNICAL_WORDS: Final = frozenset({"url", "link", "token", "hash", "href", "ip", "page", "text"})
_CHANNEL: Final = re.compile(
    r"sms|mms|phone|mobile|call|whatsapp|push|fax|postal|bypost|directmail|viapost|textmessage"
    r"|letters?$|^post|post$|^texts?opt|opt(?:in|out)texts?$"
)
_EMAIL: Final = re.compile(r"email|newsletter")


def consent_of(header: str) -> Consent | None:
    """Return what a header says of consent; None for one that says nothing of it."""
    letters = re.sub(r"[\W_]", "", header).casefold()
    words = [word.casefold() for word in _WORDS.findall(header)] or [letters]
    hyphened = "-".join(words)
    is_not_out = _NOT_OUT.search(letters) is not None
    is_out = not is_not_out and bool(_OUT.search(letters) or _OUT_BY_WORDS.search(hyphened))
    if not (is_out or is_not_out or _IN.search(letters) or _IN_BY_WORDS.search(hyphened)):
        return None
    is_other_channel = _CHANNEL.search(letters) is not None and not _EMAIL.search(letters)
    if words[-1] in _TECHNICAL_WORDS or is_other_channel:
        return Consent.OTHER
    if words[-1] in _DETAIL_WORDS or _DETAIL.search(letters):
        return Consent.OPT_OUT_DETAIL if is_out else Consent.OTHER
    return Consent.OPT_OUT if is_out else Consent.OPT_IN


def why_refused(ignored: Iterable[str], opt_outs: Sequence[str], *, is_told: bool) -> str | None:
    """Return why a file can't be taken whose columns would be ignored, and what to do about it.

    ``opt_outs`` are those of them that say no_email, misspelt or not. ``is_told`` says that another
    column is no_email: then when and why somebody opted out, and the reverse, add nothing to it.
    """
    told: list[str] = []
    if opt_outs:
        told.append(_of_opt_outs(opt_outs, is_told=is_told))
    if not is_told:
        readings = [(name, consent_of(name)) for name in ignored]
        details = [name for name, reading in readings if reading is Consent.OPT_OUT_DETAIL]
        reverse = [name for name, reading in readings if reading is Consent.OPT_IN]
        if details and not opt_outs:
            told.append(
                f"{_named(details)} when or why somebody opted out, which no_email can't take: "
                "send a column no_email with yes for whoever did."
            )
        if reverse:
            told.append(
                f"{_named(reverse)} who may be mailed, the reverse of no_email: send a column "
                "no_email with yes where this one has no. Never map it to no_email as it is."
            )
        left_out = [*details, *reverse] if not opt_outs else reverse
    else:
        left_out = []
    if not told:
        return None
    leave_out = _map([*opt_outs, *left_out], None)
    return (
        f"{' '.join(told)} Whoever opted out would be mailed if it were ignored, so nothing is "
        f"stored. To ignore it on purpose: {leave_out}."
    )


def _of_opt_outs(names: Sequence[str], *, is_told: bool) -> str:
    said = f"{_named(names)} who is not to be mailed."
    if is_told:
        return f"{said} Another column is no_email already: put what both say into that one."
    if len(names) > 1:
        return f"{said} Put what they say into one column: {_map(names[:1], 'no_email')}."
    return f"{said} Map it: {_map(names, 'no_email')}."


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:5])
    return f"The column {shown} says" if len(names) == 1 else f"The columns {shown} say"


def _map(names: Sequence[str], field: str | None) -> str:
    return f"columns={json.dumps(dict.fromkeys(names, field), ensure_ascii=False)}"
