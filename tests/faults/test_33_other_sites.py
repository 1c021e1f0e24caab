"""Row 33: a page of another site in a browser on this machine, and a name made to point here.

Promise: a foreign Origin is refused, and a missing one where the browser says that another site
asks; the Host is checked on every path.

Seen to fail: with `Rules._foreign_origin` that returns None the foreign page got a session;
with `_is_host_served` that is always true the rebound name got every path; with the check for
sockets only, as it was, the reports were read; without `is_from_other_site` an image of another
site was answered.
"""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.faults.witness import opened
from tests.server.running import RunningApp

PATHS = ("/", "/health", "/stats", "/metrics", "/history", "/ready", "/app.js", "/nothing", "/ws")
OWN_FETCHES: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
)
"""Of our own page, of the address line, and of a link that somebody follows."""
FOREIGN = ("https://evil.example", "http://127.0.0.1.evil.example", "null", "http://127.0.0.1:1")


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_site_gets_no_session(
    faulted_server: RunningApp, origin: str
) -> None:
    """A browser sends its Origin whatever the page wants, and gets 403."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(faulted_server.url, origin=origin)  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


async def test_our_own_page_and_programs_without_an_origin_are_served(
    faulted_server: RunningApp,
) -> None:
    """By the browsers' rules a program has none."""
    own = f"http://127.0.0.1:{faulted_server.port}"
    await (await opened(faulted_server.url, origin=own)).close()
    await (await opened(faulted_server.url)).close()


async def test_no_path_answers_to_a_foreign_host_or_page(faulted_server: RunningApp) -> None:
    """DNS rebinding makes the other site's page one of our own: only the Host tells."""
    base = f"http://127.0.0.1:{faulted_server.port}"
    lies = [{"Host": f"evil.example:{faulted_server.port}"}, {"Host": "127.evil.example"}]
    lies += [{"Origin": origin} for origin in FOREIGN]
    lies += [
        {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        for site in ("cross-site", "same-site")
    ]
    async with httpx.AsyncClient() as client:
        for path in PATHS:
            for lie in lies:
                response = await client.get(base + path, headers=lie)
                assert response.status_code == 403, (path, lie)
                assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert (await client.get(base + path)).status_code != 403
            for fetch in OWN_FETCHES:
                assert (await client.get(base + path, headers=fetch)).status_code != 403
