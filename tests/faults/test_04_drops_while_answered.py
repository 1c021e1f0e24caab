"""Row 4: drop while thinking or speaking.

Seen to fail: with Stage._abandon_if_unwanted doing nothing calls for nobody stood in line; with
the permit released when its last caller leaves none was taken, though the thread ran.
"""

from audio.pcm import Samples
from tests.faults.conftest import FakedServer
from tests.faults.figures import Figure
from tests.faults.witness import ask, hang_up, hear, is_served, opened, speak, until

CLIENTS = 5


async def test_work_is_abandoned_and_its_permit_stays_taken(
    server: FakedServer, spoken: Samples, figure: Figure
) -> None:
    """Work abandoned; the permit stays taken until its thread ends; peak threads never above it."""
    before, sentences = await server.settled(), len(server.synthesizer.sentences)
    server.recognizer.go.clear()
    server.recognizer.peak = 0
    for number in range(CLIENTS):
        connection = await opened(server.url)
        # Each question sounds different, or all would join one flight.
        await speak(connection, spoken * (0.5 + 0.1 * number))
        await hear(connection, "input_audio_buffer.committed")
        hang_up(connection)
    await until(lambda: not server.running.app.sessions)
    permits = server.stages.stt.permits
    assert (permits.in_use, permits.waiting) == (permits.limit, 0)
    server.recognizer.go.set()
    assert await server.is_back_at(before)
    assert server.recognizer.peak == permits.limit
    assert len(server.synthesizer.sentences) == sentences, "nothing was said to nobody"
    figure("peak threads of one permit", server.recognizer.peak, "thread")


async def test_an_answer_that_nobody_hears_is_not_spoken_on(server: FakedServer) -> None:
    """Dropped at the first sentence: the second is never made; then another client is answered."""
    before, sentences = await server.settled(), len(server.synthesizer.sentences)
    server.stages.tts.cache.clear()
    server.synthesizer.go.clear()
    connection = await opened(server.url)
    await ask(connection, "how do I get to the lighthouse and when is it open")
    await until(lambda: len(server.synthesizer.sentences) > sentences)
    hang_up(connection)
    await until(lambda: not server.running.app.sessions)
    assert server.stages.tts.permits.in_use == 1
    server.synthesizer.go.set()
    assert await server.is_back_at(before)
    assert len(server.synthesizer.sentences) == sentences + 1, "it was spoken on for nobody"
    assert await is_served(server.url)
