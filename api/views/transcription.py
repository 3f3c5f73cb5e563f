"""The answer about a transcription as JSON. Pure."""

from typing import Any

from common.contracts.grid import SAMPLE_RATE
from common.contracts.job import Job
from common.contracts.recordings import Transcript
from common.contracts.steps import HearFacts

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})
"Languages that are written without spaces between words."


def transcription_view(job: Job, facts: HearFacts, transcript: Transcript, srt: str, vtt: str) -> dict[str, Any]:
    """The words that were said; times of words in seconds."""
    space = "" if facts.language.partition("-")[0] in UNSPACED else " "
    return {
        "job_id": job.id,
        "status": job.state,
        "text": space.join(word.text for word in transcript.words),
        "language": facts.language,
        "seconds": facts.seconds,
        "recogniser": facts.recogniser,
        "misread": facts.misread,
        "words": [
            {"text": word.text, "start": _seconds(word.start), "end": _seconds(word.end)} for word in transcript.words
        ],
        "srt": srt,
        "vtt": vtt,
    }


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)
