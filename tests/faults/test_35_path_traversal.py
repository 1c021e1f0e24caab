"""Row 35: paths that lead out, over HTTP and in an ingest.

Promise: allow-listed paths only; links and `..` out of the root are refused by name.

Seen to fail: with a server that opens `WEB_DIR / path` the first path gave its source; without
`_is_inside` a link beside the page was served (tests/server/test_web.py); with `_judge_link`
that takes every link the secret was stored.
"""

import asyncio
from pathlib import Path

import pytest

from rag.ingest import ingest
from tests.fakes_rag import WordEmbedder, open_store
from tests.server.running import RunningApp

PATHS = [
    "/../settings.py",
    "/..%2fsettings.py",
    "/%2e%2e/settings.py",
    "/..\\settings.py",
    "//etc/passwd",
    "/./app.js",
    "/app.js/..",
    "/app.js%00.html",
    "/.hidden",
    "/index.html/",
    "/ws/../settings.py",
    "file:///etc/passwd",
    "http://127.0.0.1/../../etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
async def test_only_listed_paths_exist(faulted_server: RunningApp, path: str) -> None:
    """Sent as it stands, which no client library would do: nothing is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", faulted_server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404")


def test_an_ingest_never_leaves_the_folder_it_was_given(tmp_path: Path) -> None:
    """Links to files and folders outside, also through `..`, are refused by name."""
    folder, outside = tmp_path / "documents", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "good.md").write_text("Puffins nest here.")
    (outside / "secret.md").write_text("A secret.")
    (folder / "absolute.md").symlink_to(outside / "secret.md")
    (folder / "relative.md").symlink_to("../outside/secret.md")
    (folder / "wound.md").symlink_to("./../documents/../outside/secret.md")
    (folder / "all").symlink_to("..")
    embedder = WordEmbedder()
    with open_store(tmp_path, embedder) as store:
        report = ingest([folder], store, embedder)
        assert [record.name for record in store.documents()] == ["good.md"]
    refused = {Path(failure.path).name: failure.reason for failure in report.failed}
    assert set(refused) == {"absolute.md", "relative.md", "wound.md", "all"}
    assert all("leads out of the folder" in reason for reason in refused.values())
