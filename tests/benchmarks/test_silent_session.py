"""A silent session's cost is the server's whole CPU, shared; its sound is the same in every run."""

import asyncio
import os
import time

import numpy as np
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from audio.pcm import decode_pcm16, level_dbfs
from benchmarks.load_session import FRAME_BYTES
from benchmarks.process_cpu import Cores, CpuMeter
from benchmarks.silent_session import ROOM_DBFS, Microphone, cost_of, room_noise


def test_sessions_share_what_the_server_used() -> None:
    cost = cost_of(idle=Cores(0.01, 0.005), busy=Cores(0.06, 0.04), sessions=4, turns=0)
    assert (cost.total_percent, cost.event_loop_percent, cost.alone_percent) == (1.5, 1.0, 1.0)


def test_the_room_is_as_loud_as_it_says() -> None:
    room = room_noise()
    assert room == room_noise()
    assert len(room) % FRAME_BYTES == 0
    assert level_dbfs(decode_pcm16(room)) == pytest.approx(ROOM_DBFS, abs=0.5)


def test_a_process_that_computes_uses_cores_and_its_main_thread_is_among_them() -> None:
    meter = CpuMeter(os.getpid())
    end_s = time.process_time() + 0.1
    while time.process_time() < end_s:
        np.ones(10_000).sum()
    cores = meter.cores()
    assert 0 < cores.event_loop <= cores.total + 0.5


def test_a_process_that_is_gone_is_said() -> None:
    with pytest.raises(psutil.NoSuchProcess):
        CpuMeter(2**22 + 1)


async def test_a_microphone_sends_its_sound_in_order_and_counts_turns() -> None:
    heard: list[bytes] = []

    async def listen(connection: ServerConnection) -> None:
        await connection.send('{"type": "input_audio_buffer.committed"}')
        async for frame in connection:
            assert isinstance(frame, bytes)
            heard.append(frame)

    pcm = b"\x01" * FRAME_BYTES + b"\x02" * FRAME_BYTES
    async with serve(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(f"ws://127.0.0.1:{port}", compression=None)
        microphone = Microphone(connection, pcm)
        start_s = time.monotonic() - 1.0
        async with asyncio.timeout(10):
            await microphone.run(start_s, start_s + 0.1)
    assert b"".join(heard) == pcm * 2 + pcm[:FRAME_BYTES]
    assert microphone.turns == 1
