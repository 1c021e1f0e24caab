"""A local voice bot of pipecat's own parts; runs in .venv-peer and imports nothing of Parley.

Only two parts are ours, as in Parley's stand-in run: the words come from a script once the
recogniser has computed, and the answers are ready. It measures nothing.
`.venv-peer/bin/python -m benchmarks.peer_bot CONFIG.json PORT...`
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.services.piper.tts import PiperTTSService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transports.websocket.server import (
    SingleClientWebsocketServerParams,
    SingleClientWebsocketServerTransport,
)
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from benchmarks.peer_words import PeerWords, read_words


class ScriptedModel:
    """A faster-whisper model that decodes as many tokens for every question, and says its words.

    One pass without timestamps: a random model would repeat itself and be run again, hotter.
    """

    def __init__(self, model: Any, words: PeerWords, config: SimpleNamespace) -> None:
        self._model = model
        self._words = words
        self._options: dict[str, Any] = {
            "max_new_tokens": 2 * config.tokens,
            "suppress_tokens": [-1, model.hf_tokenizer.token_to_id("<|endoftext|>")],
            "temperature": 0.0,
            "without_timestamps": True,
        }
        if config.beam_size is not None:
            self._options["beam_size"] = config.beam_size

    def transcribe(self, audio: NDArray[np.float32], **options: Any) -> tuple[list[Any], Any]:
        """Compute in this thread, as WhisperSTTService expects; the segments are then at hand."""
        segments, told = self._model.transcribe(audio, **(options | self._options))
        list(segments)
        text = self._words.text_of((audio * 32768.0).astype(np.int16).tobytes())
        return ([SimpleNamespace(text=text, no_speech_prob=0.0)] if text else []), told


class ReadyAnswers(FrameProcessor):
    """Stands where the language model would: finds and writes the answer in no time."""

    def __init__(self, words: PeerWords) -> None:
        super().__init__()
        self._words = words

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer the last message of a context; let everything else pass."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        answer = self._words.answer_to(str(frame.context.get_messages()[-1]["content"]))
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(answer))
        await self.push_frame(LLMFullResponseEndFrame())


def make_worker(port: int, words: PeerWords, config: SimpleNamespace) -> PipelineWorker:
    """Build one session's pipeline, in the order of pipecat's own examples."""
    transport = SingleClientWebsocketServerTransport(
        SingleClientWebsocketServerParams(
            serializer=ProtobufFrameSerializer(), audio_in_enabled=True, audio_out_enabled=True
        ),
        host="127.0.0.1",
        port=port,
    )
    aggregators = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(), user_turn_strategies=turn_strategies(config)
        ),
    )
    parts = [
        transport.input(),
        make_recogniser(words, config),
        aggregators.user(),
        ReadyAnswers(words),
        make_voice(config),
        transport.output(),
        aggregators.assistant(),
    ]
    worker = PipelineWorker(
        Pipeline(parts),
        params=PipelineParams(audio_out_sample_rate=config.rate_hz),
        idle_timeout_secs=None,
    )

    async def say_ready(_transport: Any) -> None:
        print(f"ready {port}", flush=True)

    async def stop_speaking(_transport: Any, _client: Any) -> None:
        await worker.queue_frame(InterruptionFrame())

    transport.add_event_handler("on_websocket_ready", say_ready)
    transport.add_event_handler("on_client_disconnected", stop_speaking)
    return worker


def turn_strategies(config: SimpleNamespace) -> UserTurnStrategies:
    """Return pipecat's default (Smart Turn), or a silence that ends a turn."""
    if config.speech_timeout_s is None:
        return UserTurnStrategies()
    stop = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=config.speech_timeout_s)
    return UserTurnStrategies(stop=[stop])


def make_recogniser(words: PeerWords, config: SimpleNamespace) -> WhisperSTTService:
    """Load pipecat's recogniser with the weights of the stand-in, and warm it up."""
    settings = WhisperSTTService.Settings(model=config.whisper)
    recogniser = WhisperSTTService(compute_type="int8", settings=settings)
    recogniser._model = ScriptedModel(recogniser._model, words, config)
    recogniser._model.transcribe(np.zeros(16_000, np.float32), language="en")
    return recogniser


def make_voice(config: SimpleNamespace) -> PiperTTSService:
    """Load pipecat's voice with the weights of the stand-in, and warm it up.

    pipecat has no setting for the threads of its network, so for a number it is loaded again.
    """
    voice = Path(config.voice)
    settings = PiperTTSService.Settings(voice=voice.stem)
    speaker = PiperTTSService(
        download_dir=voice.parent, settings=settings, stop_frame_timeout_s=config.silent_voice_s
    )
    if config.threads:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = config.threads
        speaker._voice.session = onnxruntime.InferenceSession(
            config.voice, sess_options=options, providers=["CPUExecutionProvider"]
        )
    list(speaker._voice.synthesize("Ready."))
    return speaker


async def serve(config: SimpleNamespace, ports: Sequence[int]) -> None:
    """Serve one session on each port until SIGTERM."""
    words = read_words(Path(config.words))
    runner = WorkerRunner(handle_sigterm=True)
    await runner.add_workers(*(make_worker(port, words, config) for port in ports))
    await runner.run()


if __name__ == "__main__":
    CONFIG = SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text()))
    asyncio.run(serve(CONFIG, [int(port) for port in sys.argv[2:]]))
