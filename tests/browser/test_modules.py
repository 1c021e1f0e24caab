"""The page's pure modules, run where they will run: imported by the browser from the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[ParleyPage]:
    """One page for all: these modules keep no state of their own."""
    with FakeServer() as server, parley_page(browser, server.base_url) as page:
        yield page
        assert page.complaints == []


TONE_ERROR = """
const { Resampler } = await import('/resampler.js');
const [source, target] = RATES;
const resampler = new Resampler(source, target);
const tone = (rate) => (_, i) => Math.sin(2 * Math.PI * 1000 * i / rate);
const input = Float32Array.from({ length: source }, tone(source));
const output = [];
for (let from = 0, size = 1; from < input.length; from += size, size = 1 + (7 * size) % 311) {
  output.push(...resampler.push(input.subarray(from, from + size)));
}
output.push(...resampler.flush());
let error = 0;
for (let i = 200; i < output.length - 200; i += 1) {
  error = Math.max(error, Math.abs(output[i] - tone(target)(0, i)));
}
return [output.length, error];
"""

PLAYOUT = """
const { Playout } = await import('/playout.js');
const playout = new Playout(22050);
const tone = (n) => new Float32Array(n).fill(0.5);
const render = (n) => { const block = new Float32Array(n); playout.render(block); return block; };
const kinds = () => playout.takeEvents().map(({ type }) => type);
"""


@pytest.mark.parametrize(
    "rates", [(44100, 16000), (48000, 16000), (22050, 44100), (22050, 48000), (16000, 48000)]
)
def test_resampler_keeps_phase_over_blocks_of_any_size(
    modules: ParleyPage, rates: tuple[int, int]
) -> None:
    length, error = modules.module(TONE_ERROR.replace("RATES", str(list(rates))))
    assert length == rates[1]
    assert error < 1e-3


def test_resampler_lets_nothing_fold_back(modules: ParleyPage) -> None:
    peak = modules.module("""
        const { Resampler } = await import('/resampler.js');
        const at = (_, i) => Math.sin(2 * Math.PI * 9000 * i / 48000);
        const tone = Float32Array.from({ length: 48000 }, at);
        return Math.max(...new Resampler(48000, 16000).push(tone).subarray(200).map(Math.abs));
    """)
    assert peak < 1e-3


def test_stereo_is_averaged_and_the_last_frame_is_padded(modules: ParleyPage) -> None:
    values = modules.module("""
        const { MicrophoneFramer } = await import('/framer.js');
        const framer = new MicrophoneFramer(16000);
        const left = new Float32Array(400).fill(0.5), right = new Float32Array(400).fill(0.25);
        const frames = [...framer.push([left, right]), ...framer.end()];
        const samples = frames.map(({ pcm }) => new Int16Array(pcm));
        return [frames.length, samples[0][0], samples[1][79], samples[1][80], frames[0].levelDbfs];
    """)
    assert values[:4] == [2, round(0.375 * 32767), round(0.375 * 32767), 0]
    assert values[4] == pytest.approx(-8.52, abs=0.01)


def test_playout_holds_100_ms_before_the_first_sound(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        playout.push(tone(2204), 22050);
        const before = render(128)[0];
        playout.push(tone(1), 22050);
        return [before, render(128)[0], kinds()];
    """)
    assert values == [0, 0.5, ["started"]]


def test_playout_plays_a_short_answer_that_has_ended_at_once(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        playout.push(tone(64), 22050);
        playout.end();
        return [render(128)[0], kinds(), playout.state];
    """)
    assert values == [0.5, ["started", "drained"], "idle"]


def test_playout_gathers_again_after_a_gap_instead_of_stuttering(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        playout.push(tone(2205), 22050);
        render(2300);
        playout.push(tone(200), 22050);
        const waiting = render(128)[0];
        playout.push(tone(3528 - 200 - 1), 22050);
        const almost = render(128)[0];
        playout.push(tone(1), 22050);
        return [waiting, almost, render(128)[0], kinds()];
    """)
    assert values == [0, 0, 0.5, ["started", "underrun", "started"]]


def test_playout_tells_how_long_the_sound_stood_still(modules: ParleyPage) -> None:
    events = modules.module(f"""{PLAYOUT}
        const renderBlocks = (count) => {{ for (let i = 0; i < count; i += 1) render(441); }};
        playout.push(tone(2205), 22050);
        renderBlocks(5 + 5);
        playout.push(tone(4410), 22050);
        renderBlocks(10 + 1);
        playout.flush(true);
        renderBlocks(20);
        playout.push(tone(6000), 22050);
        render(128);
        return playout.takeEvents();
    """)
    gaps = [event["gapMs"] for event in events if event["type"] == "started"]
    # Silence that was asked for is no gap.
    assert gaps == [0, 100, 0]


def test_playout_holds_more_after_each_gap_and_less_after_whole_answers(
    modules: ParleyPage,
) -> None:
    values = modules.module("""
        const { JitterTarget } = await import('/jitter.js');
        const target = new JitterTarget(), seen = [target.holdMs];
        for (let i = 0; i < 4; i += 1) { target.ranDry(); seen.push(target.holdMs); }
        target.finished(); seen.push(target.holdMs);
        for (let i = 0; i < 9; i += 1) target.finished();
        return [...seen, target.holdMs];
    """)
    assert values == [100, 160, 256, 320, 320, 320, 100]


def test_held_answer_keeps_the_words_that_were_to_come(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        const mark = (text) => playout.markSentence({{ itemId: 'a', responseId: 'r', text }});
        const texts = () => playout.takeEvents().flatMap(({{ text }}) => text ?? []);
        playout.beginItem('a');
        mark('One.'); playout.push(tone(4410), 22050);
        mark('Two.'); playout.push(tone(4410), 22050);
        render(2205); const before = texts();
        playout.flush(true); const silent = render(1280).at(-1);
        playout.push(tone(4410), 22050);
        render(128); const after = texts();
        playout.flush(true); playout.beginItem('b'); playout.push(tone(4410), 22050);
        render(4410);
        return [before, silent, after, texts(), playout.itemId];
    """)
    assert values == [["One."], 0, ["Two."], [], "b"]


def test_playout_fades_within_5_ms_and_says_what_was_heard(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        playout.markSentence({{ itemId: 'a', responseId: 'r', text: 'One.' }});
        playout.push(tone(22050), 22050);
        render(11025);
        playout.takeEvents();
        playout.flush();
        const after = render(256);
        return [after[0], after[111], playout.takeEvents()];
    """)
    fading, silent, events = values
    assert 0.45 < fading < 0.5
    assert silent == 0
    assert [event["type"] for event in events] == ["flushed"]
    assert 500 <= events[0]["playedMs"] <= 510


def test_flush_before_the_first_sound_names_the_item_that_waited(modules: ParleyPage) -> None:
    events = modules.module(f"""{PLAYOUT}
        playout.beginItem('next');
        playout.push(tone(100), 22050);
        playout.flush();
        return playout.takeEvents();
    """)
    assert events == [{"type": "flushed", "itemId": "next", "playedMs": 0}]


def test_sentence_is_announced_with_its_first_sample(modules: ParleyPage) -> None:
    values = modules.module(f"""{PLAYOUT}
        const mark = (text) => playout.markSentence({{ itemId: 'a', responseId: 'r', text }});
        mark('One.'); playout.push(tone(4000), 22050);
        mark('Two.'); playout.push(tone(4000), 22050);
        const texts = () => playout.takeEvents().flatMap(({{ text }}) => text ?? []);
        render(3900); const early = texts();
        render(300);
        return [early, texts()];
    """)
    assert values == [["One."], ["Two."]]


@pytest.mark.parametrize(
    ("attempt", "retry_after_ms", "random", "expected_ms"),
    [(0, 0, 0, 250), (0, 0, 1, 500), (3, 0, 0, 2000), (99, 0, 1, 15000), (0, 4000, 1, 5000)],
)
def test_reconnects_wait_longer_each_time_and_as_long_as_asked(
    modules: ParleyPage, attempt: int, retry_after_ms: int, random: int, expected_ms: int
) -> None:
    delay = modules.module(
        "const { reconnectDelayMs } = await import('/backoff.js');"
        f"return reconnectDelayMs({attempt}, {retry_after_ms}, () => {random});"
    )
    assert delay == expected_ms


def turns_after(modules: ParleyPage, *events: dict[str, Any]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = modules.page.evaluate(
        """async (events) => {
          const { Conversation } = await import('/conversation.js');
          const conversation = new Conversation();
          for (const event of events) conversation.apply(event);
          return conversation.turns;
        }""",
        list(events),
    )
    return turns


COMMITTED = {"type": "input_audio_buffer.committed", "item_id": "a"}


def test_sound_without_words_leaves_no_turn(modules: ParleyPage) -> None:
    ended = {"type": "parley.turn", "item_id": "a", "outcome": "empty"}
    assert turns_after(modules, COMMITTED, ended) == []


def test_question_that_goes_on_replaces_its_first_half(modules: ParleyPage) -> None:
    cancelled = {"type": "parley.turn", "item_id": "a", "outcome": "cancelled"}
    speech = {"type": "input_audio_buffer.speech_started"}
    turns = turns_after(modules, COMMITTED, cancelled, speech, COMMITTED | {"item_id": "b"})
    assert [turn["itemId"] for turn in turns] == ["b"]


HEARD = {"type": "conversation.item.input_audio_transcription.delta", "item_id": "a"}


def test_words_show_while_they_are_spoken_and_belong_to_the_question(modules: ParleyPage) -> None:
    """What was understood in the end stands beside them, and the view shows that alone."""
    heard = [HEARD | {"delta": "where does"}, HEARD | {"delta": " the boat"}]
    (turn,) = turns_after(modules, *heard)
    assert (turn["heardSoFar"], turn["isAsked"]) == ("where does the boat", False)
    done = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "a"}
    (turn,) = turns_after(modules, *heard, COMMITTED, done | {"transcript": "where is the boat"})
    assert (turn["question"], turn["isAsked"]) == ("where is the boat", True)


@pytest.mark.parametrize("kind", ["cleared", "speech_started"])
def test_words_that_were_never_asked_go(modules: ParleyPage, kind: str) -> None:
    forgotten = {"type": f"input_audio_buffer.{kind}"}
    assert turns_after(modules, HEARD | {"delta": "where does"}, forgotten) == []


def test_unknown_events_and_missing_fields_change_nothing(modules: ParleyPage) -> None:
    strange = [{"type": "parley.sources"}, {"type": "parley.turn"}, {"type": "new.event"}]
    assert turns_after(modules, *strange, {"type": "response.done"}) == []
