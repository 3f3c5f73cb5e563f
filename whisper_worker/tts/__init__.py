"""Text-to-speech engines, one module each; `port.py` is their common port."""

import logging
from collections.abc import Callable, Mapping

from common.contracts.voice import SpeechEngine
from common.errors import NotConfigured
from common.settings import BadSetting, Settings
from whisper_worker.tts import elevenlabs, kokoro_server, minimax, openai
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.kokoro import Kokoro
from whisper_worker.tts.piper import Piper
from whisper_worker.tts.port import Engine
from whisper_worker.tts.service import Service
from whisper_worker.tts.silent import Silent

log = logging.getLogger(__name__)

SERVICES: Mapping[str, Callable[[Settings], Engine]] = {
    kokoro_server.NAME: kokoro_server.engine,
    openai.NAME: openai.engine,
    elevenlabs.NAME: elevenlabs.engine,
    minimax.NAME: minimax.engine,
}
"Those that ask somebody else. Few installations have any."
ENGINES: Mapping[str, Callable[[Settings], Engine]] = {
    Piper.name: Piper,
    Kokoro.name: Kokoro,
    Espeak.name: Espeak,
    **SERVICES,
    Silent.name: Silent,
}
"Engine name -> how to make it, which raises `NotConfigured` if it cannot run. In order of preference, unless set."


def make_engines(settings: Settings) -> list[Engine]:
    """The engines that can run, in order of preference: at least one.

    Raises `BadSetting` for SPEECH_ENGINES that do not exist, `NotConfigured` if none can run.
    """
    made: list[Engine] = []
    missing: list[str] = []
    for name in _wanted(settings):
        try:
            made.append(ENGINES[name](settings))
        except NotConfigured as error:
            missing.append(f"{error}")
            level = logging.DEBUG if name in SERVICES and not settings.speech_engines else logging.WARNING
            log.log(level, "the speech engine %s is left out: %s", name, error)
    if not made:
        raise NotConfigured(f"no speech engine can run: {'; '.join(missing)}")
    return made


def described(engine: Engine) -> SpeechEngine:
    """The engine as workers register it."""
    return SpeechEngine(
        name=engine.name,
        version=engine.version,
        voices=tuple(engine.voices()),
        bends=engine.bends,
        paid=isinstance(engine, Service) and engine.paid,
        by_name=isinstance(engine, Service) and engine.by_name,
    )


def _wanted(settings: Settings) -> list[str]:
    names = [name.strip() for name in settings.speech_engines.split(",") if name.strip()]
    for name in names:
        if name not in ENGINES:
            raise BadSetting(f"SPEECH_ENGINES may name {', '.join(ENGINES)} (comma separated), not {name!r}")
    if not names:
        names = [Kokoro.name, *ENGINES] if settings.voice_quality == "best" else list(ENGINES)
    return list(dict.fromkeys(names))
