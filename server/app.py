"""THE DOOR: builds everything, top to bottom, opens the port and closes it again in order.

It takes no part in a turn.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection
from websockets.http11 import Request, Response

from audio.vad import VadModel
from models.batching import BatchingEmbedder
from models.embedder import MiniLmEmbedder
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles
from rag.store import Store
from server.admission import Admission
from server.answering.configured import build_answers, build_language_model
from server.answering.conversation_store import ConversationStore
from server.cache.ladder import Ladder, build_ladder
from server.configuration.applying import appliers_of
from server.configuration.live import LiveSettings
from server.configuration.reloader import Reloader
from server.door.connection import (
    GuardedConnection,
)
from server.door.doorkeeper import Doorkeeper
from server.door.listening import listen
from server.door.memory_guard import MemoryGuard, bound_of
from server.door.tls import Tls
from server.engines.hub_watch import HubWatch
from server.engines.knowledge import open_knowledge
from server.engines.knowledge_watch import KnowledgeWatch
from server.engines.loading import SpeechEngines, load_speech_engines
from server.engines.preparation import (
    ingest_samples_once,
    load_embedder,
    open_store,
    prepare_language_model,
    refusing_damage,
)
from server.engines.prespeak import Prespeaker
from server.engines.room import EngineRoom, Engines
from server.engines.warming import Rewarmer
from server.governor import build_governor
from server.parking import KEPT_S, Parking
from server.pipeline import Stages
from server.reception import Reception
from server.session import Session
from server.settings import Settings
from server.surroundings import Surroundings
from server.uploads.desk import UploadDesk
from server.version import version
from server.watching.garbage import GarbageCollection
from server.watching.gauges import add_gauges
from server.watching.health_watch import HealthWatch, make_health_watch
from server.watching.metrics import Metrics
from server.watching.reports import Reports
from server.watching.watchdog import GRACE_S, Watchdog
from server.web import Web
from server.workers import Workers
from server.wyoming.opening import home_assistants_port

log = logging.getLogger(__name__)

LoadSpeech = Callable[[Settings, LanguageModelFiles | None, EspeakLibrary], SpeechEngines]

LEAVING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class App:
    """One server process. `run` builds, serves and stops; the other methods are its parts."""

    settings: Settings
    say: Callable[[str], None]
    with_samples: bool = False
    load_speech: LoadSpeech = load_speech_engines
    calibration: str = ""
    """What is said of the calibration that the settings carry."""
    watchdog: Watchdog | None = None
    """What ends the process when stopping hangs; None where the process is not ours to end."""
    reload: Callable[[], Settings] | None = None
    """Reads the settings anew, as they were read at the start."""
    sessions: dict[str, Session] = field(default_factory=dict)
    port: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _live: LiveSettings = field(init=False)
    _reloader: Reloader = field(init=False)
    _shared: Surroundings = field(init=False)
    _memory: MemoryGuard = field(init=False)
    _door: Doorkeeper = field(init=False)
    _reception: Reception = field(init=False)
    _tls: Tls | None = field(init=False)
    _web: Web = field(init=False)
    _health: HealthWatch = field(init=False)
    _uploads: UploadDesk = field(init=False)

    def __post_init__(self) -> None:
        self._live = LiveSettings(self.settings)

    async def run(self, on_ready: Callable[[int], None] = lambda port: None) -> None:
        """Serve until `stop` or SIGTERM. Raises StartError when it cannot start."""
        self._loop = asyncio.get_running_loop()
        self._tls = await asyncio.to_thread(Tls.load, self.settings.tls_cert, self.settings.tls_key)
        self._reloader = Reloader(self._live, self.reload, self._tls)
        store, library, shared = await asyncio.to_thread(self._build)
        self._shared = shared
        self._memory = MemoryGuard(shared.stages, shared.metrics, bound_of(self.settings))
        admission = Admission(
            self.settings,
            shared.stages,
            shared.governor,
            shared.metrics,
            lambda: self._memory.is_shut,
        )
        self._door = Doorkeeper.of(self.settings, shared.metrics.count_refused)
        self._reception = Reception(
            self._live,
            shared,
            admission,
            self._door,
            self._uploads,
            self.sessions,
            Parking(store=conversation_store(shared.stages.ladder, self.settings)),
            self._stopping.is_set,
        )
        self._health = make_health_watch(shared, self.sessions)
        reports = Reports(
            shared,
            self.sessions,
            admission,
            self._health,
            self.calibration,
            self._stopping.is_set,
            self._reloader,
        )
        self._live.appliers += appliers_of(
            shared, admission, self._door, self._health, self._memory
        )
        self._web = Web(self._door, reports.pages(), reports.public_pages())
        try:
            self._memory.refuse_start()
            opening = home_assistants_port(shared, self._reception.admit, self._door)
            async with await self._listen() as server, opening as wyoming:
                self._reception.wyoming = wyoming
                self.port = server.sockets[0].getsockname()[1]
                await self._serve(server, store, library, on_ready)
        finally:
            self._uploads.close()
            self._health.close()
            for stage in shared.stages.all():
                stage.close()
            shared.engine_room.current.knowledge.close()
            if shared.stages.ladder is not None:
                await shared.stages.ladder.stop()
            if (answers := shared.engine_room.current.answers) is not None:
                await answers.stop()
            store.close()

    def engines(self) -> dict[str, str]:
        """Return job to engine name."""
        return self._shared.engine_room.current.names()

    def notes(self) -> tuple[str, ...]:
        """Return what is to be said of the engines."""
        return self._shared.engine_room.current.notes

    def stop(self) -> None:
        """Let `run` finish: no new sessions, running answers get the drain time."""
        self._stopping.set()
        if self.watchdog is not None:
            self.watchdog.start(self._live.current.drain_timeout_s + GRACE_S)

    def stop_soon(self) -> None:
        """Stop from another thread; without effect when it does not run."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop)

    def join(self) -> None:
        """Wait for the stages' threads after `run`; the watchdog ends a process in which one hangs.

        An interpreter that goes while a native call runs may crash, or hide that it hung.
        """
        for stage in self._shared.stages.all():
            stage.join(self._live.current.drain_timeout_s + GRACE_S)

    def _build(self) -> tuple[Store, EspeakLibrary, Surroundings]:
        settings = self.settings
        embedder = load_embedder(settings, self.say)
        with ExitStack() as unless_built, refusing_damage(settings):
            store = open_store(settings, embedder)
            unless_built.callback(store.close)
            library, shared = self._build_on(store, embedder)
            unless_built.pop_all()
        return store, library, shared

    def _build_on(
        self, store: Store, embedder: MiniLmEmbedder
    ) -> tuple[EspeakLibrary, Surroundings]:
        settings = self.settings
        if self.with_samples:
            ingest_samples_once(store, embedder, self.say)
        library = EspeakLibrary()
        with ThreadPoolExecutor(2) as pool:
            vad_model = pool.submit(VadModel)
            shared_embedder = BatchingEmbedder(embedder)
            opening = pool.submit(open_knowledge, settings, store, shared_embedder)
            language_model = prepare_language_model(settings, store, library)
            speech = self.load_speech(settings, language_model, library)
            knowledge = opening.result()  # Raises before anything has a thread to be ended.
        self._uploads = UploadDesk(settings, store, shared_embedder)
        metrics = Metrics()
        ladder = build_ladder(settings, metrics.cache)
        chat = build_language_model(settings, metrics.llm)
        engines = Engines(
            speech.recognizer,
            speech.synthesizer,
            shared_embedder,
            knowledge,
            speech.notes,
            speech.small_recognizer,
            chat,
            speech.voices,
            build_answers(settings, chat, metrics, ladder),
        )
        stages, room = Stages.build(settings, metrics, ladder), EngineRoom(engines)
        add_gauges(metrics.registry, lambda: self._live.current, stages, room)
        shared = Surroundings(
            settings,
            stages,
            room,
            vad_model.result(),
            metrics,
            build_governor(stages.cores, metrics, engines, is_enabled=settings.degradation),
            version(),
            self._uploads.offers(),
        )
        return library, shared

    async def _listen(self) -> Server:
        parts = (self._reception.serve, self._reception.connect, self._answer_request)
        return await listen(self.settings, self._tls, *parts)

    async def _serve(
        self, server: Server, store: Store, library: EspeakLibrary, on_ready: Callable[[int], None]
    ) -> None:
        room, settings = self._shared.engine_room, self.settings
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in LEAVING_SIGNALS:
                loop.add_signal_handler(number, self._leave, loop)
            loop.add_signal_handler(signal.SIGHUP, self._reloader.ask)
        workers = Workers("watch", 2)
        prespeaker = Prespeaker(settings, store, room, self._shared.stages, workers)
        rewarmer = Rewarmer(settings, room, self._shared.stages)
        self._live.appliers += [prespeaker.apply, rewarmer.apply]
        hub = HubWatch(settings, room, library, self.say, workers)
        knowledge = KnowledgeWatch(settings, store, room, library, workers)
        async with asyncio.TaskGroup() as group:
            governor = self._shared.governor
            health = self._health.run()
            running = [
                hub.run(),
                knowledge.run(),
                governor.run(),
                prespeaker.run(),
                rewarmer.run(),
                self._uploads.run(),
                health,
                self._reloader.run(),
                self._memory.run(),
            ]
            if self.watchdog is not None:  # The process is ours.
                running.append(
                    GarbageCollection(self._shared.stages.cores.idle, room.subscribe).run()
                )
            if (chat := room.current.chat) is not None:
                chat.on_change = room.change
                running.append(chat.watch())
            if self._shared.stages.ladder is not None:
                running.append(self._shared.stages.ladder.run())
            watches = [group.create_task(watch) for watch in running]
            on_ready(self.port)
            await self._stopping.wait()
            for watch in watches:
                watch.cancel()
            await self._reception.drain()
            server.close(code=1012, reason="the server is stopping")
        workers.close()

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop at the first signal; a second one ends the process at once, by the kernel's hand."""
        for number in LEAVING_SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self.stop()

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        visitor = connection if isinstance(connection, GuardedConnection) else None
        return self._web.respond(request, visitor)


def conversation_store(ladder: Ladder | None, settings: Settings) -> ConversationStore | None:
    """Return where other servers find this one's conversations; None where there is no Redis."""
    if ladder is None or ladder.redis is None:
        return None
    return ConversationStore(ladder.redis, settings.idle_timeout_s + KEPT_S)
