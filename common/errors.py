"""One tree of errors. Adapters translate what their vendors raise into one of these at the edge.

ReelwrightError
+-- InvalidRequest          the caller sent something we cannot use (field, cure)
+-- Stopped                 the work was called off: cancelled, or its lease was lost
+-- StepError               a step could not be done
    +-- Retryable           the same call may work later
    |   +-- Throttled       ... not before `retry_after` seconds
    |   +-- StorageUnavailable
    |   +-- ObjectMissing       a stored object is not where the record says
    +-- Permanent           the same call will fail again
        +-- NotConfigured   a key, model or program is missing
        +-- BadMedia        the media cannot be read or is not allowed
        +-- RenderFailed    ffmpeg refused (its last words attached)
"""


class ReelwrightError(Exception):
    """Base of all. `str(error)` is one sentence for a person, with no path, key or traceback in it."""

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


class Retryable(StepError):
    code = "temporarily_unavailable"
    retryable = True


class Throttled(Retryable):
    """A provider asked us to slow down."""

    code = "throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StorageUnavailable(Retryable):
    code = "storage_unavailable"


class ObjectMissing(Retryable):
    code = "object_missing"


class Permanent(StepError):
    code = "failed"


class NotConfigured(Permanent):
    code = "not_configured"


class BadMedia(Permanent):
    code = "bad_media"


class RenderFailed(Permanent):
    """ffmpeg gave up. `details` has its last lines, for the log only."""

    code = "render_failed"

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details
