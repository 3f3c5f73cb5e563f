"""Users who order videos and change their minds, all the while."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import requests

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 8.0
AWAY = frozenset({429, 502, 503, 504})
"Answers that mean: not now, ask again."
PAUSE = 0.3
ORDER_SECONDS, HEALED_SECONDS = 5.0, 60.0
COMPLETED, CANCELLED = "completed", "cancelled"
ENDED = frozenset({COMPLETED, "partial", "failed", CANCELLED})


class Silent(Exception):
    """The service gave no answer as long as we asked."""


class Order(NamedTuple):
    """What a user sends: one video, or several at once."""

    key: str
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        return "/mcp/batch" if "requests" in self.body else "/mcp/generate"


@dataclass
class Entry:
    """One accepted job, and how it may end."""

    job: str
    may_end: frozenset[str] = frozenset({COMPLETED})
    quiet: bool = True
    "No wish about it is under way."


@dataclass
class Ledger:
    """What the users know: jobs they were promised, and answers that no fault explains."""

    jobs: dict[str, Entry] = field(default_factory=dict)
    orders: list[tuple[Order, list[str]]] = field(default_factory=list)
    "Every accepted order, and the jobs it was answered with."
    complaints: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    "One word per wish that was granted."
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, order: Order, jobs: list[str]) -> None:
        with self.lock:
            self.orders.append((order, jobs))
            self.jobs |= {job: Entry(job) for job in jobs}

    def borrow(self, rng: random.Random, fits: Callable[[Entry], bool]) -> Entry | None:
        """A job nobody wishes anything about just now; give it back by setting `quiet`."""
        with self.lock:
            free = [entry for entry in self.jobs.values() if entry.quiet and fits(entry)]
            if not free:
                return None
            entry = rng.choice(free)
            entry.quiet = False
            return entry

    def complain(self, text: str) -> None:
        with self.lock:
            self.complaints.append(text)

    def grant(self, word: str) -> None:
        with self.lock:
            self.wishes.append(word)


class Api:
    """One user's way to the service. Asks again while a fault may explain that there is no answer."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._url, self._ledger = url, ledger
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
            self._ledger.complain(f"{method} {path} was answered {reply.status_code}: {reply.text[:200]}")
        try:
            return reply.status_code, dict(reply.json())
        except ValueError:
            self._ledger.complain(f"{method} {path} was answered {reply.status_code} without JSON")
            return reply.status_code, {}


# what is ordered


def orders(rng: random.Random, clip: str) -> Iterator[dict[str, Any]]:
    """Small orders of every kind, for ever. `clip` is the id of an uploaded clip; some orders come twice."""
    made: list[dict[str, Any]] = []
    for number in itertools.count(1):
        if made and rng.random() < 0.1:
            yield rng.choice(made)
            continue
        make = rng.choice((_prompt, _script, _own_clip, _tiny, _tiny))
        order = {
            **make(rng, number, clip),
            "seed": rng.randrange(1_000),
            "aspect": rng.choice(("16:9", "1:1", "9:16")),
            "captions": rng.choice(("burn", "file", "none")),
            "music": rng.choice(("none", "none", "calm")),
            "on_scene_failure": rng.choice(("fail", "fallback", "partial")),
            "metadata": {"order": number},
        }
        made.append(order)
        yield order


def batched(rng: random.Random, single: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Now and then a few orders together."""
    for order in single:
        yield {"requests": [order, next(single)]} if rng.random() < 0.1 else order


def jobs_of(answer: Mapping[str, Any]) -> list[str]:
    """The jobs that an order was answered with."""
    return [str(item["job_id"]) for item in answer.get("jobs", [answer]) if "job_id" in item]


PLACES = ("the sea", "a forest", "the city", "a mountain", "the desert", "a meadow", "the night sky", "a lake")
DOINGS = ("wakes up", "falls silent", "is full of light", "waits for rain", "belongs to nobody")


def sentence(rng: random.Random) -> str:
    return f"{rng.choice(PLACES)} {rng.choice(DOINGS)}.".capitalize()


def _prompt(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"prompt": f"{rng.choice(PLACES)}, take {number}", "duration_target": rng.choice((3, 4, 5))}


def _script(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"script": f"Story {number}. " + " ".join(sentence(rng) for _ in range(rng.randint(1, 2)))}


def _own_clip(rng: random.Random, number: int, clip: str) -> dict[str, Any]:
    mine = {"narration": f"Clip {number}.", "media": {"asset": clip}, "duration": 1.0}
    return {"scenes": rng.sample([mine, _scene(rng)], 2)}


def _tiny(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"scenes": [_scene(rng)]}


def _scene(rng: random.Random) -> dict[str, Any]:
    return {"narration": sentence(rng) if rng.random() < 0.5 else "", "show": rng.choice(PLACES), "duration": 1.0}


# the users


class Traffic:
    """Submits jobs, at most `backlog` at a time, and wishes things about them, until it is told to stop."""

    def __init__(self, url: str, seed: int, *, backlog: int, users: int = 2, whims: bool = True) -> None:
        self.ledger = Ledger()
        self._url, self._seed, self._backlog = url, seed, backlog
        self._stop, self._healed, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._open: set[str] = set()
        self._clip = ""
        self._threads = [threading.Thread(target=self._order, args=(number,)) for number in range(users)]
        self._threads += [threading.Thread(target=self._watch), *([threading.Thread(target=self._wish)] * whims)]

    def start(self, clip: bytes) -> None:
        """`clip` is a small video that some of the orders bring along."""
        api = Api(self._url, self.ledger)
        headers = {"Content-Type": "application/octet-stream"}
        _, body = api.ask("POST", "/mcp/assets", seconds=60, data=clip, headers=headers)
        self._clip = str(body["asset_id"])
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """No more orders; returns when every question has its answer. Call it when all faults are healed."""
        self._healed.set()
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def abandon(self) -> None:
        """Ends without an answer to everything, as soon as the questions under way allow."""
        self._given_up.set()
        self.finish()

    @property
    def ordered(self) -> int:
        return len(self.ledger.jobs)

    def again(self) -> None:
        """Sends every accepted order once more: the same key must give the same job."""
        api = Api(self._url, self.ledger)
        for order, jobs in self.ledger.orders:
            _, answer = self._send(api, order)
            if jobs_of(answer) != jobs:
                self.ledger.complain(f"the key that made {', '.join(jobs)} is now answered {answer}")
        api.close()

    def _order(self, user: int) -> None:
        api = Api(self._url, self.ledger)
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
                self.ledger.complain(f"order {order.key} got no answer although everything was healed")
                continue
            if status != 202:
                self.ledger.complain(f"order {order.key} was answered {status}: {answer.get('detail', answer)}")
                self._stop.wait(PAUSE)
                continue
            jobs = jobs_of(answer)
            self._open |= set(jobs)
            self.ledger.accept(order, jobs)
        api.close()

    def _send(self, api: Api, order: Order) -> tuple[int, dict[str, Any]]:
        """Until there is an answer: an order without one may have been accepted."""
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
        """Forgets what has ended, so that there is room for new orders."""
        api = Api(self._url, self.ledger)
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
        api = Api(self._url, self.ledger)
        rng = random.Random(f"wishes/{self._seed}")
        while not self._stop.wait(rng.uniform(0.5, 2.5)):
            wish = rng.choice((cancel, resume, edit, edit, regenerate, restore))
            entry = self.ledger.borrow(rng, FITS[wish])
            if entry is None:
                continue
            try:
                wish(api, entry, rng, self.ledger)
            finally:
                entry.quiet = True
        api.close()


# the wishes
#
# A wish whose answer was lost may have been granted or not, so the job may then end either way.

EITHER = frozenset({COMPLETED, CANCELLED})
WISH_SECONDS = 5.0


def cancel(api: Api, entry: Entry, _: random.Random, ledger: Ledger) -> None:
    before, entry.may_end = entry.may_end, EITHER
    try:
        status, answer = api.ask("POST", f"/mcp/cancel/{entry.job}", seconds=WISH_SECONDS)
    except Silent:
        return
    if status == 202 and answer.get("status") not in ENDED - {CANCELLED}:
        entry.may_end = frozenset({CANCELLED})
        ledger.grant("cancel")
    elif status in (202, 409):
        entry.may_end = before  # it had ended already
    else:
        ledger.complain(f"the wish to cancel {entry.job} was answered {status}: {answer}")


def resume(api: Api, entry: Entry, _: random.Random, ledger: Ledger) -> None:
    try:
        status, view = api.ask("GET", f"/mcp/status/{entry.job}", seconds=WISH_SECONDS)
        if view.get("status") != CANCELLED:
            return  # it has not ended yet
        entry.may_end = EITHER
        status, answer = api.ask("POST", f"/mcp/resume/{entry.job}", seconds=WISH_SECONDS)
    except Silent:
        return
    if status == 202:
        entry.may_end = frozenset({COMPLETED})
        ledger.grant("resume")
    elif status != 409:  # asked again because the answer was lost, it runs already
        ledger.complain(f"the wish to resume {entry.job} was answered {status}: {answer}")


def edit(api: Api, entry: Entry, rng: random.Random, ledger: Ledger) -> None:
    """Other words for one scene."""

    def change(version: int, scene: str) -> tuple[int, dict[str, Any]]:
        changes = {"version": version, "scenes": [{"id": scene, "narration": sentence(rng)}]}
        return api.ask("PATCH", f"/mcp/storyboard/{entry.job}", seconds=WISH_SECONDS, json=changes)

    _revise(api, entry, rng, ledger, "edit", change)


def regenerate(api: Api, entry: Entry, rng: random.Random, ledger: Ledger) -> None:
    """Another picture for one scene."""

    def change(version: int, scene: str) -> tuple[int, dict[str, Any]]:
        where = f"/mcp/scenes/{entry.job}/{scene}/regenerate"
        return api.ask("POST", where, seconds=WISH_SECONDS, json={"version": version})

    _revise(api, entry, rng, ledger, "regenerate", change)


def restore(api: Api, entry: Entry, rng: random.Random, ledger: Ledger) -> None:
    """Back to an earlier version."""

    def change(version: int, _: str) -> tuple[int, dict[str, Any]]:
        if version == 1:
            return 409, {}  # there is no earlier one
        where = f"/mcp/versions/{entry.job}/{rng.randrange(1, version)}/restore"
        return api.ask("POST", where, seconds=WISH_SECONDS)

    _revise(api, entry, rng, ledger, "restore", change)


def _revise(
    api: Api,
    entry: Entry,
    rng: random.Random,
    ledger: Ledger,
    word: str,
    change: Callable[[int, str], tuple[int, dict[str, Any]]],
) -> None:
    try:
        status, storyboard = api.ask("GET", f"/mcp/storyboard/{entry.job}", seconds=WISH_SECONDS)
        if status == 409:
            return  # it is not planned yet
        scenes: Sequence[Mapping[str, Any]] = storyboard.get("scenes", ())
        if status != 200 or not scenes:
            ledger.complain(f"the storyboard of {entry.job} was answered {status}: {storyboard}")
            return
        status, answer = change(int(storyboard["version"]), str(rng.choice(scenes)["id"]))
    except Silent:
        return
    if status == 202:
        ledger.grant(word)
    elif status not in (200, 409):  # 200: it is so already
        ledger.complain(f"the wish to {word} {entry.job} was answered {status}: {answer}")


FITS: Mapping[Any, Callable[[Entry], bool]] = {
    cancel: lambda entry: entry.may_end == {COMPLETED},
    resume: lambda entry: entry.may_end == {CANCELLED},
    edit: lambda entry: entry.may_end == {COMPLETED},
    regenerate: lambda entry: entry.may_end == {COMPLETED},
    restore: lambda entry: entry.may_end == {COMPLETED},
}
"Which jobs a wish is for. Only one whose end is known is wished anything about again."
