"""One address at the Wyoming port: it has the limits that it has on the other port."""

import asyncio
from dataclasses import replace

from wyoming.info import Describe

from server.door.addresses import TOLD_BURST, Addresses, AddressLimits
from server.door.doorkeeper import Doorkeeper
from tests.server.conftest import MakeStand
from tests.server.wyoming.calling import Line, called, open_board

ALLOWED = 2
FLOOD = 60


def door(limits: AddressLimits) -> tuple[Doorkeeper, list[str]]:
    """It fills no bucket again: its clock stands."""
    refused: list[str] = []
    return Doorkeeper(
        addresses=Addresses(limits), count_refused=refused.append, now_s=lambda: 0.0
    ), refused


async def is_served(line: Line) -> bool:
    await line.say(Describe())
    return (await line.heard_until("info"))[-1].type == "info"


async def until_left(keeper: Doorkeeper) -> None:
    async with asyncio.timeout(10):
        while keeper.addresses.connections("127.0.0.1"):
            await asyncio.sleep(0.01)


async def test_connections_of_one_address_are_limited(make_stand: MakeStand) -> None:
    """One too many is told `at_capacity`; who leaves makes room, and none stays counted."""
    stand = make_stand()
    keeper, refused = door(AddressLimits(connections=ALLOWED))
    async with open_board(stand.shared, door=keeper) as board:
        async with called(board.port) as first, called(board.port) as second:
            assert await is_served(first)
            assert await is_served(second)
            async with called(board.port) as third:
                assert (await third.error()).code == "at_capacity"
        assert refused == ["address_limit"]
        await until_left(keeper)
        async with called(board.port) as line:
            assert await is_served(line)
    await until_left(keeper)
    await stand.end()


async def test_a_flood_is_cut_and_takes_nobodys_place(make_stand: MakeStand) -> None:
    """Beyond the first that are told why, connections end at once; who is being served goes on."""
    stand = make_stand(wyoming_connections_maximum=ALLOWED)
    keeper, refused = door(AddressLimits(connections=1))
    async with open_board(stand.shared, door=keeper) as board, called(board.port) as served:
        assert await is_served(served)
        flood = [await asyncio.open_connection("127.0.0.1", board.port) for _ in range(FLOOD)]
        told = await asyncio.gather(*(_first_bytes(reader) for reader, _ in flood))
        assert sum(b'"error"' in each for each in told) == TOLD_BURST
        assert sum(not each for each in told) == FLOOD - TOLD_BURST == len(refused) - TOLD_BURST
        assert board._places_taken == 1
        assert await is_served(served)
        for _, writer in flood:
            writer.close()
    await until_left(keeper)
    await stand.end()


async def test_both_ports_have_the_settings_limits(make_stand: MakeStand) -> None:
    """What is counted for an address elsewhere counts here; a proxy is nobody else here."""
    stand = make_stand()
    settings = replace(stand.shared.settings, address_connections=1, trusted_proxies="127.0.0.1")
    keeper = Doorkeeper.of(settings, lambda code: None)
    async with open_board(stand.shared, door=keeper) as board:
        keeper.arrive("127.0.0.1")
        async with called(board.port) as line:
            assert (await line.error()).code == "at_capacity"
        keeper.addresses.leave("127.0.0.1")
    await stand.end()


async def _first_bytes(reader: asyncio.StreamReader) -> bytes:
    """Empty for a connection that was cut without a word."""
    try:
        async with asyncio.timeout(20):
            return await reader.readline()
    except ConnectionResetError:
        return b""
