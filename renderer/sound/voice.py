"""The narration of a scene as the sound of that scene by itself; the film gets its sound from the mix."""

import wave

import ffmpeg

from common.contracts.base import ObjectRef
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.worker.steprun import StepRun
from renderer.ffmpeg.formats import GUARD, Options, Stream

VOICE_FILE = "voice.wav"
ENCODING: Options = {
    "c:a": "aac",
    # A third of the cost of the usual search, and nothing that a voice would lose.
    "aac_coder": "fast",
    "b:a": 96_000,
    "ac": 1,
    "flags:a": "+bitexact",
}
"One channel: a voice is no more."


def fetch_voice(voice: ObjectRef | None, run: StepRun) -> None:
    """Writes VOICE_FILE: the narration, or silence in a scene without one."""
    if voice is not None:
        run.fetch(voice, VOICE_FILE)
        return
    with wave.open(str(run.workdir / VOICE_FILE), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(bytes(2))


def placed(offset: int, frames: int, fps: int) -> Stream:
    """The sound of VOICE_FILE, `offset` samples from the start among silence, as long as `frames` frames."""
    total = frames * samples_per_frame(fps)
    sound = ffmpeg.input(VOICE_FILE, f="wav", **GUARD).audio
    shifted = sound.filter("adelay", f"{offset}S", all=1)
    return shifted.filter("apad", whole_len=total).filter("atrim", end_sample=total)
