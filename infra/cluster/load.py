"""Requests that go on while the service is changed. None gets a second try: each that fails is a failure."""

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ANSWER_SECONDS = 60.0
LOOK_SECONDS, LISTEN_SECONDS, ORDER_SECONDS = 0.1, 3.0, 5.0
"Pauses between two requests of a kind."
WAIT_SECONDS = 20
"How long a request for a sample of a voice waits for it, at most."
PROMPT = "Rain over the roofs of a town"


def ask(address: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer to one request on a connection of its own. Raises `OSError` for anything but success."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=ANSWER_SECONDS) as answer:
        return dict(json.load(answer))


class Load:
    """Three kinds of requests: quick ones, ones that wait for a voice, and orders of films."""

    def __init__(self, api: str, name: str) -> None:
        """`name` is part of what is asked for, so that nothing is known from an earlier load."""
        self._api, self._name = api, name
        self.made: Counter[str] = Counter()
        self.failures: list[str] = []
        self.jobs: list[str] = []
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._numbers = itertools.count(1)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While the block runs. All requests are answered, or have failed, when it is left."""
        kinds = ((self._look, LOOK_SECONDS), (self._listen, LISTEN_SECONDS), (self._order, ORDER_SECONDS))
        threads = [threading.Thread(target=self._repeat, args=kind, daemon=True) for kind in kinds]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def described(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.made.items()))
        return f"{self.made.total()} requests ({kinds}), {len(self.failures)} failed"

    def _repeat(self, request: Callable[[], None], pause: float) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            kind = request.__name__.removeprefix("_")
            try:
                request()
            except (OSError, ValueError, KeyError) as error:
                reason = error.read().decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
                with self._lock:
                    self.failures.append(f"{kind} after {time.monotonic() - began:.1f} s: {error!r} {reason[:200]}")
            with self._lock:
                self.made[kind] += 1
            self._stop.wait(pause)

    def _look(self) -> None:
        ask(f"{self._api}/mcp/status/{self.jobs[-1]}" if self.jobs else f"{self._api}/mcp/jobs")

    def _listen(self) -> None:
        text = f"Sentence {next(self._numbers)} {self._name}."
        ask(f"{self._api}/mcp/voices/preview?wait={WAIT_SECONDS}", {"text": text})

    def _order(self) -> None:
        prompt = f"{PROMPT}, number {next(self._numbers)} {self._name}"
        wanted = {"prompt": prompt, "duration_target": 6, "draft": True}
        self.jobs.append(str(ask(f"{self._api}/mcp/generate", wanted)["job_id"]))
