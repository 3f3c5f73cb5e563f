"""What it costs to speak with one engine, in a process of its own: prints one line of JSON.

    python -m benchmarks.voices.speaker piper FOLDER 20

The sounds of so many sentences are left in the folder.
"""

import json
import resource
import sys
import time
import wave
from pathlib import Path

import numpy as np

from benchmarks.voices.sentences import SENTENCES
from common.settings import Settings
from whisper_worker.tts import ENGINES

FIRST = "This is the first sentence."


def main(name: str, folder: Path, count: int) -> None:
    started = time.process_time()
    engine = ENGINES[name](Settings.from_env())
    engine.speak(FIRST, "en", None)
    cold = time.process_time() - started
    started = time.process_time()
    engine.speak(FIRST, "en", None)
    warm = time.process_time() - started
    spoken = cpu = 0.0
    for number, sentence in enumerate(SENTENCES[:count]):
        started = time.process_time()
        speech = engine.speak(sentence.written, "en", None)
        cpu += time.process_time() - started
        spoken += len(speech.samples) / speech.rate
        write(folder / f"{number}.wav", speech.samples, speech.rate)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    about = {"voice": engine.speak(FIRST, "en", None).voice, "version": engine.version}
    print(json.dumps({**about, "cold": cold, "warm": warm, "spoken": spoken, "cpu": cpu, "memory": memory}))


def write(path: Path, samples: np.ndarray, rate: int) -> None:
    """Mono float32 as 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
