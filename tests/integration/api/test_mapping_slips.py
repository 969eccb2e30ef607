"""`/v1/mappings` with a path that nobody has: no field is made for a slip, and it is said."""

from typing import Any

import httpx

from app.db import Database
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account_over_api
from tests.factories.people import make_person


async def test_a_slip_makes_nothing_in_dotdigital(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    account_id = (await make_account_over_api(api, sandbox))["id"]
    await make_person(database, custom={"tier": "gold", "phone1": "1"})

    async def post(person_field: str, target: str, **more: str) -> httpx.Response:
        body = {"account_id": account_id, "person_field": person_field, "dotdigital_field": target}
        query = {"create_missing": "true", **more}
        kind = "field" if target.isupper() else "preference"
        return await api.post("/v1/mappings", params=query, json={**body, "kind": kind})

    before = len(sandbox.account.data_fields)
    for target in ("TIRE", "Tire"):
        refused = await post("custom.tire", target)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/body/person_field"
        assert "custom.tier is much like it" in refused.json()["detail"]
    assert len(sandbox.account.data_fields) == before
    assert list(sandbox.account.preferences.top_level()) == []

    async def warning(*given: str, **more: str) -> Any:  # noqa: ANN401 - text or null
        made = await post(*given, **more)
        assert made.status_code == 201, made.text
        return made.json()["warning"]

    assert "Nobody among the latest 10,000 people has custom.tire" in await warning(
        "custom.tire", "TIRE", unseen="true"
    )
    assert await warning("custom.phone2", "PHONE2") is not None
    assert await warning("custom.tier", "TIER") is None
