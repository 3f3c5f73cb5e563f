"""The `hear` step: what is said in an upload, and when."""

import numpy as np

from common.captions import cues, srt, vtt
from common.contracts.grid import SAMPLE_RATE
from common.contracts.recordings import Transcript
from common.contracts.steps import HearFacts, HearSpec
from common.contracts.storyboard import words_of
from common.contracts.timeline import TextFrame
from common.documents import JSON, document_json
from common.errors import BadMedia, NotConfigured, Permanent
from common.uploads import uploaded
from common.worker.steprun import StepRun
from whisper_worker.recognition.matching import timed
from whisper_worker.recognition.misreading import misread
from whisper_worker.recognition.pieces import RATE
from whisper_worker.recognition.port import Heard, Recogniser
from whisper_worker.recordings.sound import decoded
from whisper_worker.wav import on_grid

SCREEN = TextFrame(style="minimal", width=1920, height=1080)
"The frame that lines of the caption files are made for."
TICKS = 1_000
"Caption files have milliseconds."


def hear(spec: HearSpec, run: StepRun, recogniser: Recogniser | None) -> HearFacts:
    """Stores the words with their times, and caption files. Raises `BadMedia` for an upload without sound.

    With a script its words are the text, and the recogniser only says when they are heard.
    """
    if recogniser is None:
        raise NotConfigured("the recogniser of this worker is gone; restart the worker")
    if spec.language is not None and not recogniser.knows(spec.language):
        raise Permanent(
            f'{recogniser.name} does not hear "{spec.language}" with its model; set WHISPER_MODEL to another'
        )
    sound = _sound(spec, run)
    seconds = len(sound) / RATE
    run.progress(0.2)
    heard = recogniser.hear(sound, RATE, spec.language)
    run.progress(0.9)
    script = words_of(spec.script)
    words = on_grid(timed(script, heard.words, seconds) if script else heard.words)
    shown = cues(words, SCREEN, TICKS, round(len(sound) * TICKS / RATE))
    transcript = Transcript(
        language=heard.language,
        words=words,
        samples=round(len(sound) * SAMPLE_RATE / RATE),
        chunks=(),
        timed_by=recogniser.name,
    )
    return HearFacts(
        transcript=run.keep_bytes("transcript", document_json(transcript).encode(), JSON),
        srt=run.keep_bytes("captions", srt(shown, TICKS).encode(), "application/x-subrip"),
        vtt=run.keep_bytes("captions", vtt(shown, TICKS).encode(), "text/vtt"),
        language=heard.language,
        recogniser=recogniser.name,
        seconds=round(seconds, 3),
        misread=_misread(spec, heard),
    )


def _sound(spec: HearSpec, run: StepRun) -> np.ndarray:
    """Mono int16 samples at `RATE`, on disk."""
    media = uploaded(run.storage, run.assets, run.owner, spec.asset)
    if media is None:
        raise Permanent(f"asset: there is no uploaded asset {spec.asset}; upload it again")
    try:
        return decoded(media, RATE, run)
    except BadMedia as problem:
        raise BadMedia(f"the asset cannot be heard: {problem}") from None


def _misread(spec: HearSpec, heard: Heard) -> float | None:
    return round(misread(spec.script, heard.text, heard.language), 3) if spec.script else None
