"""The `fit` step: finds the words of a text in a recording of it."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE
from common.contracts.narration import Word
from common.contracts.recordings import CHUNK, Transcript
from common.contracts.steps import FitFacts, FitSpec
from common.documents import JSON, document_json, read_document
from common.errors import BadMedia, Permanent
from common.uploads import uploaded
from common.worker.steprun import StepRun
from whisper_worker.ears import Ears
from whisper_worker.recordings.sound import decoded
from whisper_worker.tts.port import Speech
from whisper_worker.wav import on_grid, write_wav

LISTENING_RATE = 16_000
"Samples per second that words are found in."
LOUD = 0.004
"Amplitude above which something is heard."
FULL_SCALE = 32768.0


def fit(spec: FitSpec, run: StepRun, ears: Ears) -> FitFacts:
    """Stores the recording in parts, and when each word is said in it. Raises `BadMedia` for one without sound."""
    media = uploaded(run.storage, run.assets, run.owner, spec.asset)
    if media is None:
        raise Permanent(f"recording: there is no uploaded asset {spec.asset}; upload it again")
    try:
        sound = decoded(media, SAMPLE_RATE, run)
    except BadMedia as problem:
        raise BadMedia(f"the recording cannot be used: {problem}") from None
    run.progress(0.3)
    words, timed_by = _heard_before(spec.heard, run) if spec.heard is not None else _found(sound, spec, ears)
    run.progress(0.8)
    chunks = tuple(kept_in_chunks(sound, run))
    transcript = Transcript(
        language=spec.language,
        words=words,
        samples=len(sound),
        chunks=chunks,
        timed_by=timed_by,
    )
    return FitFacts(transcript=run.keep_bytes("transcript", document_json(transcript).encode(), JSON), chunks=chunks)


def _heard_before(ref: ObjectRef, run: StepRun) -> tuple[tuple[Word, ...], str]:
    """The words that a recogniser has heard, and its name."""
    transcript = read_document(Transcript, run.read(ref))
    return transcript.words, transcript.timed_by


def _found(sound: np.ndarray, spec: FitSpec, ears: Ears) -> tuple[tuple[Word, ...], str]:
    """The words of the text in the sound, and the name of what found them."""
    listened = for_listening(sound)
    if not np.any(np.abs(listened) > LOUD):
        raise BadMedia("the recording cannot be used: nothing is heard in it")
    times = ears.times(Speech(listened, LISTENING_RATE, None, ""), spec.text, spec.language)
    return on_grid(times.words), times.by


def for_listening(sound: np.ndarray) -> np.ndarray:
    """Mono int16 samples at 48 kHz as mono float32 at `LISTENING_RATE`."""
    resampler = AudioResampler(format="flt", layout="mono", rate=LISTENING_RATE)
    parts = [
        part.to_ndarray().reshape(-1)
        for begin in range(0, len(sound), SAMPLE_RATE)
        for part in resampler.resample(_frame(sound[begin : begin + SAMPLE_RATE]))
    ]
    parts += [part.to_ndarray().reshape(-1) for part in resampler.resample(None)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _frame(samples: np.ndarray) -> AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None, :], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    return frame


def kept_in_chunks(sound: np.ndarray, run: StepRun) -> Iterator[ObjectRef]:
    """Stores the recording in parts that scenes can read one by one."""
    path = run.workdir / "chunk.wav"
    for begin in range(0, len(sound), CHUNK):
        write_wav(path, sound[begin : begin + CHUNK] / np.float32(FULL_SCALE))
        yield run.keep("recording", path, "audio/wav")
