"""Documents added on the page: sent in order beside the talk, and told of by name."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser

LARGE = bytes(range(256)) * 800


def file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def lines(page: ParleyPage) -> list[str]:
    return page.page.locator(".upload").all_inner_texts()


def test_documents_arrive_byte_for_byte_and_count_at_once(
    parley: ParleyPage, server: FakeServer
) -> None:
    parley.page.set_input_files("#files", [file("big.pdf", LARGE), file("notes.md", b"# One")])
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 2)
    assert server.sessions[-1].uploaded == {"big.pdf": LARGE, "notes.md": b"# One"}
    assert parley.text("#library") == "7 documents, 51 passages"
    assert "Read: 3 passages" in parley.text(".upload >> nth=0")


def test_progress_grows_with_what_the_server_has(parley: ParleyPage) -> None:
    parley.page.evaluate(
        """() => {
          globalThis.__shown = [];
          new MutationObserver(() => {
            const bar = document.querySelector(".upload progress");
            if (bar?.hasAttribute("value")) __shown.push(bar.value);
          }).observe(document.getElementById("uploads"), { subtree: true, attributes: true });
        }"""
    )
    parley.page.set_input_files("#files", file("big.pdf", LARGE))
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 1)
    shown = parley.page.evaluate("__shown")
    assert shown == sorted(shown)
    assert len({value for value in shown if 0 < value < 1}) > 3


def test_document_that_fails_is_named_with_its_reason_and_the_next_still_comes(
    parley: ParleyPage,
) -> None:
    files = [file("broken.pdf", b"x"), file("song.mp3", b"x"), file("notes.md", b"# One")]
    parley.page.set_input_files("#files", files)
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 1)
    parley.until(lambda: parley.page.locator(".upload[data-state=failed]").count() == 2)
    by_name = {line.split("\n")[0]: line for line in lines(parley)}
    assert "It is damaged." in by_name["broken.pdf"]
    assert "Its kind is not read" in by_name["song.mp3"]


def test_document_added_to_a_page_that_sleeps_wakes_it_and_comes(
    parley: ParleyPage, server: FakeServer
) -> None:
    server.drop_connections(4408)
    parley.until(lambda: parley.page.evaluate("document.body.dataset.link") == "asleep")
    parley.page.set_input_files("#files", [file("notes.md", b"# One")])
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 1)
    assert server.sessions[-1].uploaded == {"notes.md": b"# One"}


def test_microphone_frames_are_not_held_up_by_a_document(
    parley: ParleyPage, server: FakeServer
) -> None:
    parley.press_microphone()
    parley.until_state("listening")
    frames = server.sessions[-1].frame_sizes
    parley.until(lambda: len(frames) > 5)
    parley.page.set_input_files("#files", [file("big.pdf", LARGE * 4)])
    before = len(frames)
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 1)
    parley.until(lambda: len(frames) > before + 5)
    assert set(frames) == {640}


def test_dropped_document_is_added_and_not_opened(parley: ParleyPage, server: FakeServer) -> None:
    parley.page.evaluate("""(() => {
      const data = new DataTransfer();
      data.items.add(new File(["# Dropped"], "dropped.md"));
      const drag = (type) => document.body.dispatchEvent(
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      drag("dragover");
      globalThis.__shown = getComputedStyle(document.querySelector(".drop")).display;
      drag("drop");
    })()""")
    parley.until(lambda: server.sessions[-1].uploaded.get("dropped.md") == b"# Dropped")
    assert parley.page.evaluate("__shown") == "grid"


def test_server_without_uploads_shows_no_button(browser: Browser) -> None:
    with (
        FakeServer(Script(accepted=())) as server,
        parley_page(browser, server.base_url) as page,
    ):
        page.until_state("ready")
        assert page.page.locator("#add").is_hidden()


def test_hostile_file_name_is_shown_inert(parley: ParleyPage) -> None:
    name = "<img src=x onerror=alert(1)>.md"
    parley.page.set_input_files("#files", [file(name, b"# One")])
    parley.until(lambda: parley.page.locator(".upload[data-state=done]").count() == 1)
    assert name in lines(parley)[0]
    assert parley.page.locator(".side img").count() == 0
