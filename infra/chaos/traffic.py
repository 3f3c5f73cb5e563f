"""Users who order videos and change their minds, all the while."""

import random
import threading
import time
from typing import Any

from infra.chaos.client import PAUSE, Api, Silent
from infra.chaos.expectations import ENDED, Expectations, Order
from infra.chaos.orders import batched, jobs_of, orders
from infra.chaos.wishes import FITS, cancel, edit, regenerate, restore, resume

ORDER_SECONDS, HEALED_SECONDS = 5.0, 60.0


class Traffic:
    """Submits jobs, at most `backlog` at a time, and makes wishes about them, until it is stopped."""

    def __init__(self, url: str, seed: int, *, backlog: int, users: int = 2, whims: bool = True) -> None:
        self.expectations = Expectations()
        self._url, self._seed, self._backlog = url, seed, backlog
        self._stop, self._healed, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._open: set[str] = set()
        self._clip = ""
        self._threads = [threading.Thread(target=self._order, args=(number,)) for number in range(users)]
        self._threads += [threading.Thread(target=self._watch), *([threading.Thread(target=self._wish)] * whims)]

    def start(self, clip: bytes) -> None:
        """Starts the users. `clip` is a small video that some of the orders include."""
        api = Api(self._url, self.expectations)
        headers = {"Content-Type": "application/octet-stream"}
        _, body = api.ask("POST", "/mcp/assets", seconds=60, data=clip, headers=headers)
        self._clip = str(body["asset_id"])
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Ends the orders; returns when every question has its answer. Call it when all faults are healed."""
        self._healed.set()
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def abandon(self) -> None:
        """Ends without waiting for every answer, as soon as the questions under way allow."""
        self._given_up.set()
        self.finish()

    @property
    def ordered(self) -> int:
        return len(self.expectations.jobs)

    def again(self) -> None:
        """Sends every accepted order once more: the same key must give the same job."""
        api = Api(self._url, self.expectations)
        for order, jobs in self.expectations.orders:
            _, answer = self._send(api, order)
            if jobs_of(answer) != jobs:
                self.expectations.complain(f"the key that made {', '.join(jobs)} is now answered {answer}")
        api.close()

    def _order(self, user: int) -> None:
        api = Api(self._url, self.expectations)
        rng = random.Random(f"orders/{self._seed}/{user}")
        for number, body in enumerate(batched(rng, orders(rng, self._clip))):
            while len(self._open) >= self._backlog and not self._stop.wait(0.1):
                pass
            if self._stop.is_set():
                break
            order = Order(f"{self._seed}-{user}-{number}", body)
            try:
                status, answer = self._send(api, order)
            except Silent:
                self.expectations.complain(f"order {order.key} got no answer although everything was healed")
                continue
            if status != 202:
                self.expectations.complain(f"order {order.key} was answered {status}: {answer.get('detail', answer)}")
                self._stop.wait(PAUSE)
                continue
            jobs = jobs_of(answer)
            self._open |= set(jobs)
            self.expectations.accept(order, jobs)
        api.close()

    def _send(self, api: Api, order: Order) -> tuple[int, dict[str, Any]]:
        """Sends until there is an answer: an order without one may have been accepted."""
        give_up = time.monotonic() + HEALED_SECONDS
        while True:
            try:
                healed = self._healed.is_set()
                headers = {"Idempotency-Key": order.key}
                return api.ask("POST", order.path, seconds=ORDER_SECONDS, json=order.body, headers=headers)
            except Silent:
                if self._given_up.is_set() or (healed and time.monotonic() > give_up):
                    raise

    def _watch(self) -> None:
        """Forgets jobs that have ended, so that there is room for new orders."""
        api = Api(self._url, self.expectations)
        while not self._stop.wait(0.2):
            for job in sorted(self._open):
                if self._stop.is_set():
                    break
                try:
                    _, view = api.ask("GET", f"/mcp/status/{job}", seconds=1)
                except Silent:
                    continue
                if view.get("status") in ENDED:
                    self._open.discard(job)
        api.close()

    def _wish(self) -> None:
        api = Api(self._url, self.expectations)
        rng = random.Random(f"wishes/{self._seed}")
        while not self._stop.wait(rng.uniform(0.5, 2.5)):
            wish = rng.choice((cancel, resume, edit, edit, regenerate, restore))
            entry = self.expectations.borrow(rng, FITS[wish])
            if entry is None:
                continue
            try:
                wish(api, entry, rng, self.expectations)
            finally:
                entry.quiet = True
        api.close()
