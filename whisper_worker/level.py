"""Makes a voice pleasant and evenly loud: 48 kHz, equalised, lightly compressed, levelled. In process."""

from collections.abc import Iterator, Sequence

import av
import av.filter
import numpy as np

from common.contracts.grid import SAMPLE_RATE

TARGET = -18.0
"Integrated loudness of every narration, in LUFS."
CEILING = -5.5
"Peak of every narration, in dBFS: low enough that a film of -14 LUFS hardly needs its own limiter."
SILENT = -60.0
"Below this, in LUFS, there is no voice to level."
FADE = 0.005
"Seconds of fade at both ends, against clicks."
SHORTEST_MEASURED = 3.0
"Seconds; anything shorter is measured as if it were repeated, for the measure works in blocks of 0.4 s."

Filter = tuple[str, str]

# Rumble out; then what a synthetic voice has too much of compared with people: some presence, and hiss.
# The all-pass filters change no level, only phases: the pulses of such a voice are all peak and little
# sound, and spread out they need 3 dB less headroom.
OF_ENGINES: Sequence[Filter] = (
    ("highpass", "f=70"),
    *[("allpass", "f=300:t=q:w=0.7")] * 4,
    ("equalizer", "f=1500:t=q:w=0.8:g=-3"),
    ("equalizer", "f=4500:t=q:w=1:g=-4"),
    ("treble", "f=6000:t=q:w=0.7:g=-4"),
)
OF_PEOPLE: Sequence[Filter] = (("highpass", "f=70"),)
"What a recording of a person needs before it is levelled."
EVEN: Filter = ("acompressor", "threshold=-26dB:ratio=3:attack=5:release=100:knee=6dB")
LIMIT: Filter = ("alimiter", f"limit={CEILING}dB:attack=5:release=60:level=disabled:latency=true")


def polish(samples: np.ndarray, rate: int, clean: Sequence[Filter] = OF_ENGINES) -> tuple[np.ndarray, float]:
    """Speech (mono, any rate) as mono float32 at 48 kHz, `TARGET` LUFS, and the loudness it really has.

    The length is that of the input, to the sample. Silence stays silence.
    """
    length = round(len(samples) * SAMPLE_RATE / rate)
    voice = _process(samples, rate, clean)
    # Twice: the compressor needs its input at a known level, and changes it.
    for shape in (EVEN, LIMIT):
        voice = _process(voice, SAMPLE_RATE, [_gain_to_target(voice), shape])
    voice = _faded(_fitted(voice, length))
    return voice, measure(voice)


def _gain_to_target(samples: np.ndarray) -> Filter:
    loudness = measure(samples)
    return "volume", f"{TARGET - loudness if loudness > SILENT else 0.0:.3f}dB"


def measure(samples: np.ndarray) -> float:
    """Integrated loudness (EBU R 128) of mono sound at 48 kHz, in LUFS; -70 for silence."""
    times = -(-int(SHORTEST_MEASURED * SAMPLE_RATE) // max(1, len(samples)))
    reading = "-70"
    for frame in _frames(np.tile(samples, times), SAMPLE_RATE, [("ebur128", "metadata=1")]):
        reading = frame.metadata.get("lavfi.r128.I", reading)
    return float(reading)


def _process(samples: np.ndarray, rate: int, filters: Sequence[Filter]) -> np.ndarray:
    blocks = [frame.to_ndarray().reshape(-1) for frame in _frames(samples, rate, filters)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _frames(samples: np.ndarray, rate: int, filters: Sequence[Filter]) -> Iterator[av.AudioFrame | av.VideoFrame]:
    """Sends mono sound through a chain of filters at 48 kHz."""
    if not len(samples):
        return
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=None)
    nodes = [source, graph.add("aresample", str(SAMPLE_RATE)), *(graph.add(name, args) for name, args in filters)]
    nodes += [graph.add("aformat", "sample_fmts=flt:channel_layouts=mono"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    graph.push(frame)
    graph.push(None)
    while True:
        try:
            yield graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return


def _fitted(samples: np.ndarray, length: int) -> np.ndarray:
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def _faded(samples: np.ndarray) -> np.ndarray:
    count = min(int(FADE * SAMPLE_RATE), len(samples) // 2)
    gain = np.ones(len(samples), np.float32)
    gain[:count] = np.linspace(0, 1, count, endpoint=False)
    gain[len(samples) - count :] = gain[:count][::-1]
    return samples * gain
