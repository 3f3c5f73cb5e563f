"""Logs: one line per fact, on standard error, dated, with no secret in it.

What a line is about (a job, a step, the attempt at it) stands in fields of its own wherever that is known.
"""

import contextvars
import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from urllib.parse import urlsplit

from common.settings import Settings
from common.settings.reading import about as declared

log = logging.getLogger(__name__)

SHORTEST_SECRET = 6
"Characters: a shorter secret would be found in harmless words."
# The signature of a signed link and the password of an address are secrets wherever they turn up.
SECRET_PATTERN = re.compile(r"(X-Amz-(?:Signature|Credential)=|[?&](?:key|token)=|//[^/\s:@]*:(?=[^\s/]*@))[^&@\s\"']+")
QUIET = (
    *("kombu", "amqp", "urllib3", "celery.utils.functional", "celery.bootsteps"),
    # That a hint came and was dealt with; our own line says what became of it.
    *("celery.worker.strategy", "celery.app.trace"),
)
"Loggers of which only warnings are wanted."
TEXT, JSON = "text", "json"

_about: contextvars.ContextVar[Mapping[str, str | int]] = contextvars.ContextVar("about")


@contextmanager
def about(**fields: str | int) -> Iterator[None]:
    """Lines that this thread logs in the block have these fields: `job`, `step`, `attempt`."""
    token = _about.set({**_about.get({}), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class Lines(logging.Formatter):
    """A record as one line of text, or as one JSON object; the traceback of an error goes with it."""

    def __init__(self, service: str, form: str, secrets: list[str] | None = None) -> None:
        super().__init__()
        self._service, self._form, self._secrets = service, form, secrets or []

    def format(self, record: logging.LogRecord) -> str:
        trace = self._clean(self.formatException(record.exc_info)) if record.exc_info else ""
        message = self._clean(record.getMessage())
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if self._form == JSON:
            return _json(record, at, self._service, message, trace)
        known = " ".join(str(value) for value in _about.get({}).values())
        line = f"{at} {record.levelname:<7} {self._service} {known and f'[{known}] '}{message}"
        return f"{line}\n{trace}" if trace else line

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return SECRET_PATTERN.sub(r"\1***", text)


def secrets(settings: Settings) -> list[str]:
    """The values of the secret settings; of an address only the password in it."""
    values = [str(getattr(settings, one.name)) for one in fields(settings) if declared(one).secret]
    return [(urlsplit(value).password or "") if "://" in value else value for value in values]


def _json(record: logging.LogRecord, at: str, service: str, message: str, trace: str) -> str:
    line: dict[str, str | int] = {
        "time": at,
        "level": record.levelname,
        "service": service,
        "logger": record.name,
        "message": message,
    }
    line |= _about.get({})
    return json.dumps({**line, "traceback": trace} if trace else line, ensure_ascii=False)


def line_of(service: str, form: str, text: str) -> str:
    """A warning as a line, for programs that have no logger of their own."""
    return Lines(service, form).format(logging.makeLogRecord({"msg": text, "levelname": "WARNING", "name": service}))


def set_up_logs(service: str, settings: Settings) -> None:
    """Sends this process's logs to standard error; the values of secret settings never appear."""
    handler = logging.StreamHandler(sys.stderr)
    hidden = [secret for secret in secrets(settings) if len(secret) >= SHORTEST_SECRET]
    handler.setFormatter(Lines(service, settings.log_format, hidden))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def settings_and_logs(program: str) -> Settings:
    """Reads the settings of the program and begins to log: first what there is to say of them. Raises `BadSetting`."""
    reading = Settings.read(service=program)
    set_up_logs(program, reading.settings)
    for note in reading.notes:
        log.warning("%s", note)
    return reading.settings


def tell_faults(program: str, error: Exception) -> None:
    """Prints why a program cannot start, a line for each fault."""
    for line in str(error).splitlines():
        print(f"{program}: {line}", file=sys.stderr)
