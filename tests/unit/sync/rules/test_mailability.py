"""Which statuses mean that Dotdigital will not mail the contact, in v3's words and in v2's."""

import pytest

from app.sync.rules.mailability import is_suppressed


@pytest.mark.parametrize(
    "status",
    [
        "unsubscribed",
        "hardBounced",
        "ispComplained",
        "directComplaint",
        "spamTrap",
        "blockedlocalpart",
        "sharedsuppression",
        "sharedDomainSuppression",
        "suppressed",
        "purchased",
        "knownComplainer",
        "knownLitigator",
        "domainSuppressed",
        "Unsubscribed",
        "HardBounced",
        "IspComplained",
        "MailBlocked",
        "DirectComplaint",
        "SharedSuppression",
        "Suppressed",
        "NotAllowed",
        "DomainSuppression",
        "NoMxRecord",
    ],
)
def test_is_not_mailed(status: str) -> None:
    assert is_suppressed(status)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(None, id="nothing known"),
        pytest.param("", id="an empty word"),
        pytest.param("subscribed", id="subscribed"),
        pytest.param("Subscribed", id="subscribed in v2"),
        pytest.param("noSubscription", id="never subscribed"),
        pytest.param("softBounced", id="a soft bounce passes"),
        pytest.param("pendingOptIn", id="it has yet to confirm"),
        pytest.param("deleted", id="it is gone, not opted out"),
        pytest.param("binned", id="in the recycle bin"),
        pytest.param("NotAvailableInThisVersion", id="v2 can't say"),
    ],
)
def test_does_not_say_so(status: str | None) -> None:
    assert not is_suppressed(status)
