"""The answer about a voice preview as JSON. Pure."""

from typing import Any

from common.contracts.grid import SAMPLE_RATE
from common.contracts.job import Job
from common.contracts.narration import Narration


def preview_view(job: Job, narration: Narration) -> dict[str, Any]:
    """The sentence as it was spoken; times of words in seconds."""
    return {
        "job_id": job.id,
        "status": job.state,
        "text": " ".join(word.text for word in narration.words),
        "voice": narration.voice,
        "engine": narration.engine,
        "seconds": _seconds(narration.samples),
        "words": [
            {"text": word.text, "start": _seconds(word.start), "end": _seconds(word.end)} for word in narration.words
        ],
    }


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)
