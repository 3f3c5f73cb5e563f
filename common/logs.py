"""Logs: one line per fact, on standard error, with no secret in it."""

import logging
import re
import sys
from dataclasses import fields
from urllib.parse import urlsplit

from common.settings import Settings
from common.settings.reading import about

log = logging.getLogger(__name__)

SHORTEST_SECRET = 6
"Characters: a shorter secret would be found in harmless words."
# The signature of a signed link and the password of an address are secrets wherever they turn up.
SECRET_PATTERN = re.compile(r"(X-Amz-(?:Signature|Credential)=|[?&](?:key|token)=|//[^/\s:@]*:(?=[^\s/]*@))[^&@\s\"']+")


class _Redact(logging.Formatter):
    def __init__(self, service: str, secrets: list[str]) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {service} %(message)s", "%H:%M:%S")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return SECRET_PATTERN.sub(r"\1***", text)


def secrets(settings: Settings) -> list[str]:
    """The values of the secret settings; of an address only the password in it."""
    values = [str(getattr(settings, one.name)) for one in fields(settings) if about(one).secret]
    return [(urlsplit(value).password or "") if "://" in value else value for value in values]


def set_up_logs(service: str, settings: Settings) -> None:
    """Sends this process's logs to standard error; the values of secret settings never appear."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redact(service, [secret for secret in secrets(settings) if len(secret) >= SHORTEST_SECRET]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("kombu", "amqp", "urllib3", "celery.utils.functional", "celery.bootsteps"):
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
