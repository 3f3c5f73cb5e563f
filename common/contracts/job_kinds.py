"""The one table of job kinds: what is asked for, what comes of it, in which lane, within which limits.

Code that needs to know something about a kind of job reads `JOB_KINDS`. The steps of a kind are wanted by its workflow
(`orchestrator/workflow.py`), and its result is shown by a view of its own (`api/results.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from common.contracts.base import Contract
from common.contracts.job import BATCH, INTERACTIVE, PREVIEW
from common.contracts.preview import PreviewRequest
from common.contracts.request import VideoRequest
from common.contracts.transcription import TranscriptionRequest


class JobKind(StrEnum):
    FILM = "film"
    BATCH = "batch"
    "A film that was asked for together with others."
    VOICE_PREVIEW = "voice_preview"
    TRANSCRIPTION = "transcription"


class Makes(StrEnum):
    """The result of a job."""

    FILM = "film"
    "It has scenes, versions, edits and exports."
    SOUND = "sound"
    TRANSCRIPT = "transcript"
    OTHER = "other"
    "Something of which this release knows nothing."


class KindOfJob(NamedTuple):
    """Everything the system knows about a kind of job."""

    request: type[Contract]
    makes: Makes
    lane: str
    "Lane of a new job."
    timeout: float = 0.0
    "Seconds that it may take once let in; 0: JOB_TIMEOUT."
    patience: float = 0.0
    "Seconds that it may wait for that; 0: QUEUE_SECONDS."
    listed: bool = True
    "True if it is among the jobs of its owner, and takes a place of theirs."
    most: int = 0
    "Unfinished jobs of this kind that an owner may have; 0: as many as there are places (MAX_JOBS_PER_OWNER)."
    too_late: str = ""
    "What is said of one that took longer than it may; empty: by which setting its time is limited."
    kept: float = 0.0
    "Seconds for which it is remembered after its end; 0: for good, in its manifest."


JOB_KINDS: Mapping[str, KindOfJob] = {
    JobKind.FILM: KindOfJob(VideoRequest, Makes.FILM, INTERACTIVE),
    JobKind.BATCH: KindOfJob(VideoRequest, Makes.FILM, BATCH),
    JobKind.VOICE_PREVIEW: KindOfJob(
        PreviewRequest,
        Makes.SOUND,
        PREVIEW,
        timeout=60.0,
        patience=60.0,
        listed=False,
        most=20,
        kept=3600.0,
        too_late="the sentence was not spoken in time; see in /readyz whether a speech worker (whisper_worker) is up",
    ),
    JobKind.TRANSCRIPTION: KindOfJob(
        TranscriptionRequest,
        Makes.TRANSCRIPT,
        INTERACTIVE,
        listed=False,
        most=20,
        kept=86_400.0,
        too_late="the sound was not heard in time; give it in parts, or use a smaller model or a faster machine",
    ),
}
"Rows in the order of `JobKind`."
_OF_ANOTHER_RELEASE = KindOfJob(Contract, Makes.OTHER, INTERACTIVE, listed=False)


def kind_of_job(name: str) -> KindOfJob:
    """The row of a kind; a job of a newer release may be of a kind that is not in the table."""
    return JOB_KINDS.get(name, _OF_ANOTHER_RELEASE)
