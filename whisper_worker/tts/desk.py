"""Calls of a speech service: limited, counted, and not made at all while it refuses or fails.

Limits, counts and the circuit breaker are kept in the state store, for all workers that use the same key.
"""

import base64
import binascii
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import redis

from common.errors import NotConfigured, Permanent, Retryable, Throttled, VoiceUnavailable
from common.net.breaker import Breaker
from common.net.cache import SharedCache
from common.net.client import Http, RawReply, Timeouts
from common.net.ratelimit import SlidingWindow
from common.net.tally import count_call
from common.settings import Settings

REDIS_TIMEOUT = 2.0
MOST_FAILURES, FAILED_SECONDS, REFUSED_SECONDS = 5, 60.0, 600.0
"A breaker opens after so many failures in a row for so long; for longer after a key was refused."
PAUSE = 20.0
"Seconds to wait after a 429 that does not say how long."
LISTING_SECONDS = 5.0
MOST_FETCHED = 2**20
"Bytes."
REFUSALS = (401, 402, 403)
KEPT_SECONDS = 30 * 86_400.0

T = TypeVar("T")


class Account(NamedTuple):
    """Where a service is, and how it knows us."""

    engine: str
    label: str
    "For a reader."
    url: str
    headers: Mapping[str, str]
    key_setting: str
    "The variable with the key."
    per_minute: int

    @property
    def digest(self) -> str:
        """Tells accounts apart without telling the key."""
        return hashlib.sha256(f"{self.url} {sorted(self.headers.items())}".encode()).hexdigest()[:12]


class Request(NamedTuple):
    method: str
    path: str
    body: Any = None
    parameters: Mapping[str, str] = {}


class Desk:
    """Asks one service. Nothing is connected before the first call."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self._account = account
        seconds = settings.speech_timeout
        self._http = _http(settings, seconds)
        self._brief = _http(settings, min(seconds, LISTING_SECONDS))
        self._client = redis.Redis.from_url(
            settings.state_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )
        name = f"{account.engine} {account.digest}"
        self._window = SlidingWindow(self._client, f"speech {name}", account.per_minute, 60.0)
        self._breaker = Breaker(
            self._client, name, most=MOST_FAILURES, seconds=FAILED_SECONDS, patience=2 * seconds + 10
        )
        self.notes = SharedCache(self._client, f"voices {name}", KEPT_SECONDS, 1)
        "Keeps what a service told of its voices."

    def ask(self, request: Request, read: Callable[[RawReply], T], *, brief: bool = False) -> T:
        """What `read` makes of the answer; it raises `VoiceUnavailable` or `Retryable` for an unfit one.

        `read` may raise `Refused` and `Throttled` as well, for a service that tells them in its own way.

        Raises `VoiceUnavailable` for a refusal and, without a call, while the service is left alone; `Throttled` where
        the limit is used up; `Retryable` where it does not answer.
        """
        self._admit()
        try:
            answer = read(self._sent(request, brief))
        except _Declined as error:
            self._note("refused", self._breaker.succeeded)
            raise VoiceUnavailable(str(error)) from None
        except Refused as error:
            self._note("refused", lambda: self._breaker.refused(REFUSED_SECONDS))
            raise VoiceUnavailable(str(error)) from None
        except Throttled as error:
            self._note("throttled", self._breaker.succeeded)
            raise Throttled(f"{self._account.label} asks to slow down", error.retry_after or PAUSE) from None
        except (Retryable, VoiceUnavailable):
            self._note("failed", self._breaker.failed)
            raise
        self._note("ok", self._breaker.succeeded)
        return answer

    def fetch(self, url: str) -> bytes | None:
        """What is at a public address that an answer named; None if it cannot be had. Not counted."""
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "fetched"
            try:
                self._brief.download(url, path, max_bytes=MOST_FETCHED, stop=lambda: None)
            except (Retryable, Permanent):
                return None
            return path.read_bytes()

    def _admit(self) -> None:
        label = self._account.label
        if (closed := self._breaker.ask()) > 0:
            self._note("left_alone")
            raise VoiceUnavailable(f"{label} has failed or refused before and is left alone for {closed:.0f} s")
        if (wait := self._window.take()) > 0:
            self._note("limited")
            raise Throttled(f"the request limit of {label} is used up", wait)

    def _sent(self, request: Request, brief: bool) -> RawReply:
        account = self._account
        http, url = self._brief if brief else self._http, account.url.rstrip("/") + request.path
        try:
            reply = http.ask_bytes(request.method, url, account.headers, request.parameters, request.body)
        except (NotConfigured, Permanent) as error:
            raise Refused(str(error)) from None
        if reply.status in REFUSALS:
            raise Refused(
                f"{account.label} refused with {reply.status}; check the key in {account.key_setting} and its credit"
            )
        if reply.status >= 400:
            raise _Declined(f"{account.label} answered {reply.status} to what it was asked; check voice and model")
        return reply

    def _note(self, outcome: str, report: Callable[[], None] = lambda: None) -> None:
        count_call(self._client, self._account.engine, outcome)
        report()


def json_of(reply: RawReply, label: str) -> dict[str, Any]:
    """The object in an answer. Raises `Retryable` for anything else."""
    try:
        found = json.loads(reply.data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Retryable(f"{label} answered something that is not JSON")
    return found


def sound_in(text: Any, label: str) -> bytes:
    """Base64 as bytes. Raises `Retryable`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Retryable(f"{label} answered something that is not sound") from None


class _Declined(Exception):
    """The service works, but not for this request."""


class Refused(Exception):
    """The service does not work for us at all."""


def _http(settings: Settings, seconds: float) -> Http:
    return Http(settings, timeouts=Timeouts(connect=min(5.0, seconds), read=seconds, reply=seconds, download=seconds))
