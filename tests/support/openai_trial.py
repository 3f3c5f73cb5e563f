"""Lets openai-whisper hear a sound, in a Python that has it: `openai_trial.py MODEL SOUND.npy RATE`; prints JSON."""

import json
import sys
import time

import numpy as np

from common.errors import NotConfigured
from common.settings import Settings
from whisper_worker.recognition import make_recogniser


def main(model: str, sound: str, rate: str) -> None:
    recogniser = make_recogniser(Settings(whisper_model=model))
    samples, began = np.load(sound), time.monotonic()
    heard = recogniser.hear(samples, int(rate), None)
    first = time.monotonic() - began
    again = recogniser.hear(samples, int(rate), "en-GB")
    told = {
        "name": recogniser.name,
        "version": recogniser.version,
        "knows": [recogniser.knows("en-US"), recogniser.knows("de")],
        "languages": [heard.language, again.language],
        "words": heard.words,
        "seconds": [round(first, 2), round(time.monotonic() - began - first, 2)],
        "refusals": [refusal(name) for name in ("tiny", "nobody")],
    }
    print(json.dumps(told))


def refusal(model: str) -> str:
    """What is said of a model by name, on a machine that has no way to get it."""
    try:
        make_recogniser(Settings(whisper_model=model)).knows("en")
    except NotConfigured as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
