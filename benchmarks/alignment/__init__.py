"""The exactness of word times, from engines and from aligners: see benchmarks/README.md."""

import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np

from benchmarks.alignment import festival
from benchmarks.alignment.recordings import NOISY, Recording, noisy, of_engines, of_espeak, said_less, said_more
from benchmarks.alignment.texts import ENGLISH, long_text
from benchmarks.report import Check, Report, Row, Say, Scope, Table
from common.contracts.storyboard import words_of
from common.settings import Settings
from whisper_worker.align import BySound, make_aligner
from whisper_worker.align.port import Aligner
from whisper_worker.tts.espeak import Espeak
from whisper_worker.tts.port import Speech
from whisper_worker.tts.timing import LOUD, weight

MEDIAN, P95 = 30.0, 150.0
"Milliseconds by which an aligner may be wrong."
ENGINE_MEDIAN, ENGINE_P95 = 15.0, 50.0
"The same for an engine that knows when its words are heard."
SHARE_OF_REAL_TIME = 0.05
MEGABYTES = 300.0
LONG = 4300
"Characters that take five minutes to read."
PAUSE = 0.12
"Seconds of silence after which it can be heard when a word begins."
EXACT = (Espeak.name, "Festival")
"Synthesisers that make their sound from these very times. Models only tell about when."
FAR = 300.0
"Milliseconds."
MEGABYTE = 1 << 20

Guess = Callable[[Recording], Sequence[float]]
"Seconds at which the words of a recording may begin."


def measure(scope: Scope, say: Say) -> Report:
    """Recordings whose word times are known, timed by each aligner and by a guess."""
    settings = Settings.from_env()
    aligner = make_aligner(settings)
    recordings = _recordings(settings, 2 if scope.quick else len(ENGLISH), say)
    engines = Table(
        "starts of words after a pause as the synthesiser tells them, against the sound: ms", _heard(recordings)
    )
    aligned = Table("starts of words against those the synthesiser tells: ms", _rows(recordings, aligner, say))
    unlike = Table("recordings that say more or less than the text", _unlike(recordings, aligner))
    long = Table("a long recording", [_long(settings, aligner, LONG // 5 if scope.quick else LONG)])
    return Report([engines, aligned, unlike, long], _checks(engines, aligned, long, quick=scope.quick))


def _recordings(settings: Settings, count: int, say: Say) -> list[Recording]:
    found = list(of_espeak(Espeak(settings), count))
    if festival.is_there():
        found += [festival.read_aloud("Festival", text, 1.0) for text in ENGLISH[:count]]
        found += [festival.read_aloud("Festival, slow", text, 1.3) for text in ENGLISH[:count]]
    else:
        say(festival.MISSING)
    found += of_engines(settings, count, say)
    return found + [noisy(one) for one in found if one.name in ("espeak-ng, a woman, fast", "Festival", "piper")]


def _heard(recordings: Iterable[Recording]) -> list[Row]:
    """The distance of the start of a word from where the sound begins again after a pause."""
    rows: list[Row] = []
    quiet = [one for one in recordings if not one.name.endswith(NOISY)]
    for name, some in groupby(quiet, key=lambda one: one.name.partition(",")[0]):
        errors = np.concatenate([_from_sound(one) for one in some])
        rows.append({"synthesiser": name, "words": len(errors)} | _spread("", errors))
    return rows


def _from_sound(recording: Recording) -> np.ndarray:
    """Milliseconds, for each pause, from the end of it to the start of the nearest word."""
    loud = np.flatnonzero(np.abs(recording.samples) > LOUD) / recording.rate
    ends = loud[1:][np.diff(loud) > PAUSE]
    starts = np.asarray(recording.starts)
    return np.array([1000 * (starts - end)[np.argmin(np.abs(starts - end))] for end in ends])


def _rows(recordings: Iterable[Recording], aligner: Aligner, say: Say) -> list[Row]:
    ways: Mapping[str, Guess] = {
        aligner.name: lambda one: _by(aligner, one),
        BySound.name: lambda one: _by(BySound(), one),
        "guess": _guessed,
    }
    rows: list[Row] = []
    for name, group in groupby(recordings, key=lambda one: one.name):
        some = list(group)
        say(f"{name}: {len(some)} recordings")
        row: Row = {"recording": name, "words": sum(len(one.starts) for one in some)}
        for way, guess in ways.items():
            errors = np.concatenate([_errors(one, guess(one)) for one in some])
            bias = {f"{way} bias": float(np.median(errors))} if way == aligner.name else {}
            row = dict(row) | _spread(f"{way} ", errors) | bias
        rows.append(row)
    return rows


def _unlike(recordings: Iterable[Recording], aligner: Aligner) -> list[Row]:
    """The words of the text that were said; how many are far off says whether what is not in both was told apart."""
    rows: list[Row] = []
    for name, group in groupby(recordings, key=lambda one: one.name):
        some = list(group)
        if len(some) < 2 or name.endswith(NOISY):
            continue
        for what, change in (("more", said_more), ("less", said_less)):
            errors = np.concatenate([_told_errors(change(one, other), aligner) for one, other in pairwise(some[:3])])
            far = float(100 * np.mean(np.abs(errors) > FAR))
            row: Row = {"recording": f"{name}, {what}", "words": len(errors), "% far off": far}
            rows.append(dict(row) | _spread("", errors))
    return rows


def _told_errors(recording: Recording, aligner: Aligner) -> np.ndarray:
    """Of the words that were said."""
    errors = _errors(recording, _by(aligner, recording))
    return errors[~np.isnan(errors)]


def _speech(recording: Recording) -> Speech:
    return Speech(recording.samples, recording.rate, None, recording.name)


def _by(aligner: Aligner, one: Recording) -> list[float]:
    return [word.start for word in aligner.align(_speech(one), one.text, one.language)]


def _guessed(one: Recording) -> list[float]:
    """All of the sound shared among the words by their length."""
    sizes = np.array([weight(word) for word in words_of(one.text)])
    before = np.cumsum(sizes) - sizes
    return np.asarray(before / sizes.sum() * len(one.samples) / one.rate).tolist()


def _errors(recording: Recording, found: Sequence[float]) -> np.ndarray:
    return 1000 * (np.asarray(found) - np.asarray(recording.starts))


def _spread(prefix: str, errors: np.ndarray) -> dict[str, float]:
    size = np.abs(errors)
    return {f"{prefix}median": float(np.median(size)), f"{prefix}p95": float(np.percentile(size, 95))}


def _long(settings: Settings, aligner: Aligner, characters: int) -> Row:
    """Twice: for the time, and for the memory, of which keeping books takes time."""
    text = long_text(characters)
    spoken = Espeak(settings).speak(text, "en", "f3")
    one = Recording("long", text, "en", spoken.samples, spoken.rate, [word.start for word in spoken.words or ()])
    began = time.process_time()
    errors = _errors(one, _by(aligner, one))
    took = time.process_time() - began
    tracemalloc.start()
    try:
        _by(aligner, one)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    seconds = len(one.samples) / one.rate
    figures = {"seconds": seconds, "words": len(one.starts)} | _spread("", errors)
    return figures | {"x real time": seconds / took, "MB of memory": peak / MEGABYTE}


def _checks(engines: Table, aligned: Table, long: Table, *, quick: bool) -> list[Check]:
    own = [row for row in engines.rows if row["synthesiser"] == Espeak.name]
    exact = [row for row in aligned.rows if str(row["recording"]).startswith(EXACT)]
    checks = [
        _worst("espeak-ng against the sound", own, "median", ENGINE_MEDIAN),
        _worst("espeak-ng against the sound", own, "p95", ENGINE_P95),
        _worst("the aligner", exact, "dtw median", MEDIAN),
        _worst("the aligner", aligned.rows, "dtw p95", P95),
        _worst("the aligner, long", long.rows, "median", MEDIAN),
        _worst("the aligner, long", long.rows, "p95", P95),
        _worst("the aligner, long", long.rows, "MB of memory", MEGABYTES),
    ]
    share = 1 / float(long.rows[0]["x real time"])
    return (
        checks if quick else [*checks, Check("the aligner, long: seconds for one of sound", share, SHARE_OF_REAL_TIME)]
    )


def _worst(what: str, rows: Iterable[Row], column: str, most: float) -> Check:
    return Check(f"{what}: {column}", max(float(row[column]) for row in rows), most)
