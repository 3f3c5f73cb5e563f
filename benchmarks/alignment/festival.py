"""Festival, a synthesiser whose sound and timing have nothing to do with espeak-ng's; it tells when its words begin."""

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from benchmarks.alignment.recordings import Recording
from benchmarks.report import NotMeasured

MISSING = "festival is not installed and left out: apt install festival festvox-kallpc16k"
SCRIPT = """\
(voice_kal_diphone)
(Parameter.set 'Duration_Stretch {stretch})
(set! said (utt.synth (Utterance Text "{text}")))
(utt.save.wave said "{path}" 'riff)
(mapcar (lambda (word) (format t "%f\\n" (item.feat word 'word_start))) (utt.relation.items said 'Word))
"""


def is_there() -> bool:
    return shutil.which("festival") is not None


def read_aloud(name: str, text: str, stretch: float) -> Recording:
    """Plain words only, each of which is one to Festival as well; `stretch` is how much slower than usual."""
    with tempfile.TemporaryDirectory(prefix="festival-") as folder:
        path, script = Path(folder, "said.wav"), Path(folder, "say.scm")
        script.write_text(SCRIPT.format(stretch=stretch, text=text.replace('"', ""), path=path))
        told = subprocess.run(["festival", "-b", script], capture_output=True, text=True)
        if told.returncode:
            raise NotMeasured(f"festival failed: {told.stderr.strip()[-200:]}")
        starts = [float(line) for line in told.stdout.split()]
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    if len(starts) != len(text.split()):
        raise NotMeasured(f"festival timed {len(starts)} words of {len(text.split())}: {text[:40]}...")
    return Recording(name, text, "en", samples, rate, starts)
