"""The page's modules that turn events into what is shown, run in the browser from the server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser

MICROPHONE_PROBLEMS = {
    "NotAllowedError": "The microphone is blocked",
    "NotFoundError": "No microphone was found",
    "NotReadableError": "The microphone is busy",
    "OverconstrainedError": "The chosen microphone is gone",
    "SecurityError": "This page may not use the microphone",
    "AbortError": "The microphone could not be opened",
}


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[ParleyPage]:
    """One page for all: these modules keep no state of their own."""
    with FakeServer() as server, parley_page(browser, server.base_url) as page:
        yield page
        assert page.complaints == []


@pytest.mark.parametrize("name", MICROPHONE_PROBLEMS)
def test_every_microphone_error_has_a_title_and_a_next_step(modules: ParleyPage, name: str) -> None:
    problem = modules.module(
        "const { explain } = await import('/microphone-problems.js');"
        f"return explain(new DOMException('', '{name}'));"
    )
    assert problem["title"] == MICROPHONE_PROBLEMS[name]
    assert len(problem["nextStep"]) > 40


def test_microphone_that_the_system_blocks_names_the_systems_settings(modules: ParleyPage) -> None:
    problem = modules.module(
        "const { explain } = await import('/microphone-problems.js');"
        "return explain(new DOMException('Permission denied by system', 'NotAllowedError'));"
    )
    assert "privacy settings of your system" in problem["nextStep"]


@pytest.mark.parametrize(
    ("facts", "with_keys", "by_touch"),
    [
        ({"isPlaying": True}, "Esc stops it.", "The square stops it."),
        (
            {"isMicrophoneOpen": True, "isMuted": True},
            "Press M to be heard again.",
            "Press mute again to be heard again.",
        ),
    ],
)
def test_no_key_is_named_where_there_is_none(
    modules: ParleyPage, facts: dict[str, bool], with_keys: str, by_touch: str
) -> None:
    hints = modules.module(f"""
        const {{ describeSituation }} = await import('/situation.js');
        const facts = {{ link: {{ state: 'open' }}, problem: null, ...{json.dumps(facts)} }};
        return [true, false].map((hasKeys) => describeSituation({{ ...facts, hasKeys }}).hint);
    """)
    assert hints == [with_keys, by_touch]


def test_percentiles_are_of_values_that_were_measured(modules: ParleyPage) -> None:
    """Nearest rank: of 20 answers the 95th percentile is the second slowest."""
    spreads = modules.module("""
        const { spreadBySegment } = await import('/percentiles.js');
        const turn = (ms) => ({ segments: [{ name: 'search', ms }], voiceToVoiceMs: 10 * ms });
        const turns = Array.from({ length: 20 }, (_, i) => turn(20 - i));
        turns.push({ segments: [{ name: 'send', ms: 7 }], voiceToVoiceMs: null });
        return Object.fromEntries(spreadBySegment(turns));
    """)
    assert spreads == {
        "search": {"p50": 10, "p95": 19},
        "voice_to_voice": {"p50": 100, "p95": 190},
        "send": {"p50": 7, "p95": 7},
    }


SAID = """
    const { saidOf } = await import('/words.js');
    const turn = (changes) => ({ wordEndsMs: [[100, 250, 400], [600, 900]], playedMs: null,
      isHeard: false, cutAtMs: null, ...changes });
"""


def test_words_are_said_once_their_sound_has_been_played(modules: ParleyPage) -> None:
    counts = modules.module(f"""{SAID}
        const said = (playedMs) => [saidOf(turn({{ playedMs }}), 0, 3),
          saidOf(turn({{ playedMs }}), 1, 2)];
        return [said(0), said(250), said(650), said(900)];
    """)
    assert counts == [[0, 0], [2, 0], [3, 1], [3, 2]]


def test_words_beyond_a_cut_stay_unsaid_and_an_answer_heard_whole_is_all_said(
    modules: ParleyPage,
) -> None:
    counts = modules.module(f"""{SAID}
        const heard = {{ playedMs: 250, isHeard: true }};
        return [saidOf(turn({{ ...heard, cutAtMs: 250 }}), 0, 3), saidOf(turn(heard), 0, 3)];
    """)
    assert counts == [2, 3]


def test_words_of_unknown_times_count_as_said(modules: ParleyPage) -> None:
    counts = modules.module(f"{SAID} return saidOf(turn({{ playedMs: 0 }}), 0, 4);")
    assert counts == 4


UPLOADS = """
    const { Uploads } = await import('/uploads.js');
    const uploads = new Uploads();
    uploads.introduce({ parley: { uploads: { accepted: ['.md', '.pdf'], maximum_bytes: 1000 } } });
"""


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("notes.exe", 10, "Its kind is not read. Add one of: .md, .pdf."),
        ("notes", 10, "Its kind is not read. Add one of: .md, .pdf."),
        ("notes.MD", 0, "It is empty."),
        ("notes.md", 2_500_000, "It is 2.5 MB; at most 1 kB are taken."),
        ("notes.PDF", 1000, ""),
    ],
)
def test_document_that_would_be_refused_is_told_before_it_is_sent(
    modules: ParleyPage, name: str, size: int, told: str
) -> None:
    added = modules.module(f"{UPLOADS} return uploads.add({{ name: '{name}', size: {size} }});")
    assert (added["told"], added["state"]) == (told, "failed" if told else "waiting")


def test_server_that_takes_no_documents_is_given_none(modules: ParleyPage) -> None:
    added = modules.module(
        f"{UPLOADS} uploads.introduce({{}}); return uploads.add({{ name: 'a.md', size: 1 }});"
    )
    assert added["state"] == "failed"


RELAY = """
    const { AnswerRelay } = await import('/answer-relay.js');
    const sent = [], heard = [];
    const relay = new AnswerRelay(() => {}, ({ playedMs }) => heard.push(playedMs));
    const port = { postMessage: ({ type, mayGoOn }) => sent.push(mayGoOn ? 'hold' : type) };
    relay.attach(port);
    const told = (type, fields = {}) => relay.follow({ type, ...fields });
    const report = (type, playedMs) => port.onmessage({ data: { type, itemId: 'a', playedMs } });
    const speak = () => relay.play(new ArrayBuffer(2));
    told('response.created'); speak(); report('started');
"""


@pytest.mark.parametrize("after", ["conversation.item.truncated", "error"])
def test_answer_is_silenced_when_the_person_speaks_and_goes_on_from_there(
    modules: ParleyPage, after: str
) -> None:
    """What was on its way meanwhile is dropped: the server sends it again."""
    values = modules.module(f"""{RELAY}
        told('input_audio_buffer.speech_started'); report('flushed', 480); speak();
        told('{after}'); speak();
        return [sent, heard];
    """)
    assert values == [["audio", "hold", "audio"], [480]]


def test_answer_that_a_question_ended_stays_silent(modules: ParleyPage) -> None:
    """The words that were to come go too, by a second flush."""
    values = modules.module(f"""{RELAY}
        told('input_audio_buffer.speech_started'); report('flushed', 480);
        told('conversation.item.truncated');
        told('response.done', {{ response: {{ status: 'cancelled' }} }}); speak();
        told('response.created'); speak();
        return sent;
    """)
    assert values == ["audio", "hold", "flush", "audio", "audio"]


def test_silence_is_not_silenced(modules: ParleyPage) -> None:
    """Speech before the answer sounds holds nothing: the server takes the question back."""
    values = modules.module(f"""{RELAY}
        report('drained', 900); told('input_audio_buffer.speech_started');
        return sent;
    """)
    assert values == ["audio"]


def test_stopped_answer_is_dropped_until_it_is_done(modules: ParleyPage) -> None:
    """Whatever the server says of it before that."""
    values = modules.module(f"""{RELAY}
        relay.cancel(); speak();
        told('conversation.item.truncated'); speak();
        told('response.done', {{ response: {{ status: 'cancelled' }} }});
        return sent;
    """)
    assert values == ["audio", "flush", "end"]


CUT = """
    const { Conversation } = await import('/conversation.js');
    const conversation = new Conversation();
    const told = (type, fields = {}) => conversation.apply({ type, ...fields });
    const hear = (responseId, itemId, text) => conversation.hear({ responseId, itemId, text });
    conversation.askTyped('When?');
    told('response.created', { response: { id: 'r1' } });
    told('parley.words', { response_id: 'r1', ends_ms: [100, 200, 300] });
    told('parley.words', { response_id: 'r1', ends_ms: [500, 600] });
    hear('r1', 'i1', 'It opens at');
    conversation.play('i1', 150);
    conversation.interrupt();
    conversation.finishHearing(250, false);
"""


def test_answer_of_a_lost_connection_shows_what_was_heard(modules: ParleyPage) -> None:
    """Sound that had arrived is played to its end; the page then asks to ask again."""
    turn = modules.module(f"{CUT} return conversation.current;")
    assert (turn["cutAtMs"], turn["isAnswered"]) == (250, True)
    assert "connection was lost" in turn["problem"]


def test_answer_goes_on_behind_the_words_that_were_heard(modules: ParleyPage) -> None:
    """What is said again is shown once, and the new sound's times light the new words alone."""
    turn = modules.module(f"""{CUT}
        told('response.created', {{ response: {{ id: 'r2' }} }});
        told('parley.words', {{ response_id: 'r2', ends_ms: [80, 160] }});
        hear('r2', 'i2', 'at nine.');
        conversation.play('i2', 90);
        const {{ saidOf }} = await import('/words.js');
        const turn = conversation.current;
        return {{ ...turn, said: [saidOf(turn, 0, 2), saidOf(turn, 1, 2)] }};
    """)
    assert turn["sentences"] == ["It opens", "at nine."]
    assert turn["said"] == [2, 1]
    assert (turn["problem"], turn["revision"], turn["isAnswered"]) == ("", 1, False)


def test_lost_answer_tells_how_much_of_it_was_heard(modules: ParleyPage) -> None:
    """Of the answer that was cut, not of the one before it."""
    values = modules.module(f"""{RELAY}
        told('response.output_item.added', {{ item: {{ id: 'a' }} }});
        report('played', 480);
        const before = relay.heardOfCut;
        relay.abandon(); report('drained', 700);
        const cut = relay.heardOfCut;
        told('response.created');
        const next = relay.heardOfCut;
        told('response.output_item.added', {{ item: {{ id: 'b' }} }});
        relay.abandon();
        return [before, cut, next, relay.heardOfCut];
    """)
    assert values == [
        None,
        {"itemId": "a", "playedMs": 700},
        None,
        {"itemId": "b", "playedMs": 0},
    ]
