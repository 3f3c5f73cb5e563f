"""One tree of errors. Adapters translate what their vendors raise into one of these at the edge.

ReelwrightError
+-- InvalidRequest          the caller sent something we cannot use (field, cure)
+-- Stopped                 the work was called off: cancelled, or its lease was lost
+-- StepError               a step could not be done
    +-- Retryable           the same call may work later
    |   +-- Throttled       ... not before `retry_after` seconds
    |   +-- BelowStandard   the result is not fit to be shown: made once more, then final
    |   +-- ObjectMissing   a stored object is not where the record says, or not what it says
    |   +-- Outage          a part of our own system is down, which is nobody's fault
    |       +-- StorageUnavailable
    |       |   +-- StorageFull
    |       +-- DiskFull
    |       +-- DiskBroken
    +-- Permanent           the same call will fail again
        +-- VoiceUnavailable  a speech engine cannot speak now: another one is to
        +-- Misread         a recogniser hears other words than were to be spoken
        +-- NotConfigured   a key, model or program is missing
        +-- BadMedia        the media cannot be read or is not allowed
        +-- RenderFailed    ffmpeg refused (its last words attached)
"""

import errno
import os
from pathlib import Path


class ReelwrightError(Exception):
    """Base of all errors. `str(error)` is one sentence for a person, with no path, key or traceback in it."""

    code = "internal_error"


class InvalidRequest(ReelwrightError):
    """The caller sent something unusable. `field` names it."""

    code = "invalid_request"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Stopped(ReelwrightError):
    """The work was called off while it ran. Nothing may be reported or published any more."""

    code = "stopped"


class StepError(ReelwrightError):
    code = "step_failed"
    retryable = False
    retry_after: float | None = None
    "Seconds; None leaves it to the backoff."
    outage = False
    "True if the step is not to blame: no attempt is counted."
    subject = ""
    "The culprit, if known: the id of a shot."


class Retryable(StepError):
    code = "temporarily_unavailable"
    retryable = True


class Throttled(Retryable):
    """A provider asked us to slow down."""

    code = "throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BelowStandard(Retryable):
    """The result is not fit to be shown. It is made once more, as a worker may have slipped, and then given up."""

    code = "below_standard"

    def __init__(self, message: str, shot: str = "") -> None:
        super().__init__(message)
        self.subject = shot


class ObjectMissing(Retryable):
    """A stored object is gone or damaged. `key` is its name, so that whatever made it can make it again."""

    code = "object_missing"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class Outage(Retryable):
    """A part of our own system is down. The step waits until it is back."""

    outage = True


class StorageUnavailable(Outage):
    code = "storage_unavailable"


class StorageFull(StorageUnavailable):
    """The object store answers that it has no room for what it is given."""

    code = "storage_full"


class DiskFull(Outage):
    """There is no room for scratch files, or none that we may use."""

    code = "disk_full"


class DiskBroken(Outage):
    """The disk with the scratch files cannot be read or written."""

    code = "disk_broken"


class Permanent(StepError):
    code = "failed"


class NotConfigured(Permanent):
    code = "not_configured"


class VoiceUnavailable(Permanent):
    """A speech engine refuses, or what it sent cannot be heard: asking again would not help, another engine may."""

    code = "voice_unavailable"


class Misread(Permanent):
    """Too much of a narration is heard as something else: another speech engine is to speak it."""

    code = "misread"


class BadMedia(Permanent):
    code = "bad_media"

    def __init__(self, message: str, subject: str = "") -> None:
        super().__init__(message)
        self.subject = subject


class RenderFailed(Permanent):
    """ffmpeg gave up. `details` has its last lines, for the log only."""

    code = "render_failed"

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def disk_trouble(error: BaseException, scratch: Path | None = None) -> Outage | None:
    """The outage that caused a system error, or an error raised because of one; None if there is none.

    `scratch` is the folder of the scratch files: whatever may not be touched there is an outage as well.
    """
    cause: BaseException | None = error
    while cause is not None:
        # No subclass: media libraries use the same numbers for damaged files.
        if type(cause) is OSError and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return DiskFull("the disk of the worker is full")
        if type(cause) is OSError and cause.errno == errno.EIO:
            return DiskBroken("the disk of the worker cannot be read or written")
        if (type(cause) is OSError and cause.errno == errno.EROFS) or _is_denied(cause, scratch):
            return DiskBroken("the disk of the worker may not be written to")
        cause = cause.__cause__ or cause.__context__
    return None


def _is_denied(error: BaseException, scratch: Path | None) -> bool:
    """True if the system denies access to a file in the folder: elsewhere that is a matter of the one file."""
    if type(error) is not PermissionError or scratch is None or not isinstance(error.filename, str | bytes):
        return False
    return Path(os.fsdecode(error.filename)).is_relative_to(scratch)
