"""The campaigns of an account: what each is, and through its `Activity` what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sandbox.state.activity import Activity
from sandbox.state.jobs import Job

STATUSES: Final = (
    *("Unsent", "Sending", "Sent", "Paused", "Cancelled", "RequiresSystemApproval"),
    *("RequiresSMSApproval", "RequiresWorkflowApproval", "Triggered"),
)
TYPES: Final = ("Standard", "Triggered")
REPLY_ACTIONS: Final = ("Unset", "WebMailForward", "Webmail", "Delete")
MAX_NAME: Final = 255
#: Id of the only address that campaigns of the sandbox come from; the vendor gives them ids.
FROM_ADDRESS_ID: Final = 12


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a campaign."""

    url: str
    keyword: str = "read more"
    #: Name of the link group that it is in.
    group: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Campaign:
    """One campaign."""

    id: int
    name: str
    subject: str
    from_name: str
    from_address: str
    created_ms: int
    html: str = '<p>Hello</p><a href="http://$UNSUB$">Leave</a>'
    plain: str = "Hello $UNSUB$"
    #: One of `REPLY_ACTIONS`.
    reply_action: str = "Webmail"
    reply_to: str = ""
    #: `Standard` or `Triggered`.
    type: str = "Standard"
    #: One of `STATUSES`.
    status: str = "Unsent"
    tags: list[str] = field(default_factory=list)
    scheduled_ms: int | None = None
    links: list[Link] = field(default_factory=list)
    #: Web pages that recipients came to.
    pages: list[str] = field(default_factory=list)
    #: Lists and segments that it was sent to, in that order.
    list_ids: list[int] = field(default_factory=list)
    attachment_ids: list[int] = field(default_factory=list)
    activity: Activity = field(default_factory=Activity)

    @property
    def sent_ms(self) -> int | None:
        """When it was first sent."""
        return self.activity.first_sent_ms

    def link(self, url: str) -> int:
        """Return the place of a link, which is made as needed."""
        for place, link in enumerate(self.links):
            if link.url == url:
                return place
        self.links.append(Link(url))
        return len(self.links) - 1

    def page(self, url: str) -> int:
        """Return the place of a web page, which is made as needed."""
        if url not in self.pages:
            self.pages.append(url)
        return self.pages.index(url)


@dataclass(frozen=True, slots=True)
class Sending:
    """One order to send a campaign, as v2 takes it."""

    id: str
    campaign_id: int
    list_ids: list[int]
    contact_ids: list[int]
    at_ms: int
    #: What will send it; None where it went out at once.
    job: Job | None = None


class Campaigns:
    """The campaigns by id, in the order of their making."""

    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._campaigns: dict[int, Campaign] = {}
        #: By id, in lower case.
        self.sendings: dict[str, Sending] = {}

    def __iter__(self) -> Iterator[Campaign]:
        return iter(self._campaigns.values())

    def __len__(self) -> int:
        return len(self._campaigns)

    def find(self, campaign_id: int) -> Campaign | None:
        """Return the campaign of this id; None where it was deleted, or never was."""
        return self._campaigns.get(campaign_id)

    def take_id(self) -> int:
        """Return an id that no campaign has, or will have."""
        self._next_id += 1
        return self._next_id - 1

    def add(self, campaign: Campaign) -> Campaign:
        """Take a campaign in, made with an id from `take_id`."""
        self._campaigns[campaign.id] = campaign
        return campaign

    def delete(self, campaign: Campaign) -> None:
        """Delete a campaign, and what is known of it."""
        del self._campaigns[campaign.id]

    def active_since(self, since_ms: int, *, sends_count: bool) -> Iterator[Campaign]:
        """Yield campaigns with activity from an instant on."""
        for campaign in self:
            if campaign.activity.is_active_since(since_ms, sends_count=sends_count):
                yield campaign
