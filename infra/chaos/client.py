"""A user's client of the service under faults."""

import time
from typing import Any

import requests

from infra.chaos.expectations import Expectations

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 8.0
AWAY = frozenset({429, 502, 503, 504, 507})
"Answers that mean: not now, ask again."
PAUSE = 0.3


class Silent(Exception):
    """The service gave no answer in the time allowed."""


class Api:
    """One user's client of the service. Asks again while a fault may explain the lack of an answer."""

    def __init__(self, url: str, expectations: Expectations) -> None:
        self._url, self._expectations = url, expectations
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between us and ourselves

    def ask(self, method: str, path: str, *, seconds: float, **content: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer. Raises `Silent` after `seconds` without one."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                reply = self._session.request(
                    method, f"{self._url}{path}", timeout=(CONNECT_SECONDS, ANSWER_SECONDS), **content
                )
                if reply.status_code not in AWAY:
                    return self._read(method, path, reply)
            except requests.RequestException:
                pass  # killed, frozen, or cut off in the middle of its answer
            if time.monotonic() > give_up:
                raise Silent(f"{method} {path} was not answered")
            time.sleep(PAUSE)

    def close(self) -> None:
        self._session.close()

    def _read(self, method: str, path: str, reply: requests.Response) -> tuple[int, dict[str, Any]]:
        if reply.status_code >= 500:
            self._expectations.complain(f"{method} {path} was answered {reply.status_code}: {reply.text[:200]}")
        try:
            return reply.status_code, dict(reply.json())
        except ValueError:
            self._expectations.complain(f"{method} {path} was answered {reply.status_code} without JSON")
            return reply.status_code, {}
