"""The demo's second half: campaigns go out in the sandbox, and what people do comes back."""

from rich.console import Console

from app.demo import tables
from app.demo.calls import Calls, Json, must, run_job

#: Of those who get the campaign.
_RATES = {"opens": 0.4, "clicks": 0.15, "page_views": 0.05}
_UNSUBSCRIBED, _BOUNCED, _DOWNLOADED = 6, 4, 20
_FORM_ANSWERS = 12


class Answers:
    """What people do in Dotdigital, and how it comes back."""

    def __init__(self, console: Console, calls: Calls, control: Calls, account: Json) -> None:
        """Take both sides."""
        self._console = console
        self._calls = calls
        self._control = control
        self._account_id = account["id"]
        self._there = f"/_sandbox/accounts/{account['dotdigital_account_id']}"

    async def tell(self) -> None:
        """Campaigns, opt-outs on both sides, a conflict; then all that is retrieved."""
        await self._mail()
        await self._fill_in_forms()
        person_id = await self._disagree()
        opted_out = await self._opt_out_here()
        # Before the people, so that some are of strangers, to be matched once these are known.
        activities = await self._run("retrieve_activities", "Retrieving activities")
        people = await self._run("retrieve_people", "Retrieving people")
        matching = await self._run("match_activities", "Matching activities")
        sent = await self._run("send_people", "Sending what changed here")
        self._console.print(tables.counts_of(people, "From Dotdigital"))
        await self._show_activities(activities, matching)
        await self._show_conflict(person_id)
        back = await self._resubscribe()
        must(people["counts"]["opted_out"] >= _UNSUBSCRIBED, "an opt-out there didn't come back")
        must(matching["counts"]["matched"] > 0, "no activity of a stranger was matched")
        must(sent["counts"]["suppressed"] >= opted_out, "an opt-out here didn't go out")
        quiet = await self._run("send_people", "Once more: does anything echo?")
        must(not quiet["counts"]["created"] and not quiet["counts"]["updated"], "it echoed")
        self._console.print(
            f"\n[green]Opt-outs go both ways:[/] {people['counts']['opted_out']} came from "
            f"Dotdigital, {sent['counts']['suppressed']} went there; {back} who resubscribed there "
            "may be mailed again. What came back was not sent again."
        )

    async def _run(self, job: str, title: str) -> Json:
        return await run_job(self._calls, self._console, job, self._account_id, title)

    async def _mail(self) -> None:
        lists = await self._calls.get("/v1/lists", account_id=self._account_id)
        document = await self._control.post(
            f"{self._there}/documents", {"file_name": "Prices.pdf", "size": 90_000}
        )
        for each in lists["items"]:
            campaign = await self._control.post(
                f"{self._there}/campaigns",
                {
                    "name": f"{each['name']} in spring",
                    "links": ["https://example.com/spring", "https://example.com/offers"],
                    "document_ids": [document["id"]],
                },
            )
            is_first = each is lists["items"][0]
            outcome = await self._control.post(
                f"{self._there}/campaigns/{campaign['id']}/send",
                {
                    "list_ids": [each["dotdigital_list_id"]],
                    "seed": 1,
                    **_RATES,
                    "downloads": _DOWNLOADED,
                    "hard_bounces": _BOUNCED if is_first else 0,
                    "unsubscribes": _UNSUBSCRIBED if is_first else 0,
                },
            )
            self._console.print(
                f"The sandbox mails {campaign['name']!r} to {outcome['recipients']:,} contacts."
            )

    async def _fill_in_forms(self) -> None:
        """Let some answer who are contacts, and some strangers."""
        form = await self._control.post(f"{self._there}/forms", {"name": "Join us"})
        page = await self._calls.get("/v1/people", limit=50, sync_status="synced")
        known = [person["email"] for person in page["items"]][: _FORM_ANSWERS // 2]
        strangers = [f"stranger{number}@example.org" for number in range(_FORM_ANSWERS // 2)]
        for email in (*known, *strangers):
            await self._control.post(
                f"{self._there}/forms/{form['id']}/responses",
                {"email": email, "answers": {"Which class?": "Dinghy"}},
            )
        self._console.print(f"{_FORM_ANSWERS} people fill in a form, half of them strangers.")

    async def _disagree(self) -> int:
        """Let both sides change one person's city, to different values."""
        page = await self._calls.get("/v1/people", limit=100, sync_status="synced")
        person = page["items"][-1]
        await self._calls.patch(f"/v1/people/{person['id']}", {"city": "York"})
        await self._control.patch(
            f"{self._there}/contacts/{person['email']}", {"data_fields": {"CITY": "Leeds"}}
        )
        self._console.print(f"Person {person['id']} moves to York here, and to Leeds there.")
        return int(person["id"])

    async def _opt_out_here(self) -> int:
        page = await self._calls.get("/v1/people", limit=120, sync_status="synced")
        chosen = page["items"][-5:]
        for person in chosen:
            await self._calls.patch(f"/v1/people/{person['id']}", {"no_email": True})
        self._console.print(f"{len(chosen)} people opt out here.\n")
        return len(chosen)

    async def _resubscribe(self) -> int:
        """Let some who unsubscribed think again, in Dotdigital; return how many came back."""
        page = await self._calls.get("/v1/people", no_email=True, limit=1000)
        for person in page["items"]:
            if person["opt_out_reason"] and person["email"]:
                path = f"{self._there}/contacts/{person['email']}/resubscribe"
                await self._control.post(path, {})
        run = await self._run("retrieve_people", "Retrieving who resubscribed")
        must(run["counts"]["opted_in"] > 0, "an opt-in there didn't come back")
        return int(run["counts"]["opted_in"])

    async def _show_activities(self, activities: Json, matching: Json) -> None:
        mailshots = await self._calls.get("/v1/mailshots", account_id=self._account_id)
        self._console.print(tables.mailshots(mailshots["items"]))
        self._console.print(tables.counts_of(activities, "Activities"))
        unmatched = await self._calls.get(
            "/v1/activities", account_id=self._account_id, matched=False, limit=1000
        )
        self._console.print(
            f"{activities['counts']['stored']:,} activities stored; matched at once "
            f"{activities['counts']['matched']:,}, later {matching['counts']['matched']:,}, "
            f"still unmatched {len(unmatched['items']):,}."
        )
        must(activities["counts"]["stored"] > 0, "no activity came back")
        must(len(mailshots["items"]) > 0, "no mailshot came back")

    async def _show_conflict(self, person_id: int) -> None:
        conflicts = await self._calls.get("/v1/conflicts", account_id=self._account_id)
        mine = [each for each in conflicts["items"] if each["person_id"] == person_id]
        must(len(mine) == 1, "the conflict was not recorded")
        self._console.print(tables.conflicts(mine))
