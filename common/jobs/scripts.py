"""The connection to Redis, and the Lua scripts that run there.

Every write of a job record is one script, so it happens whole or not at all. Each may be sent twice (a reply can get
lost) and has the same outcome. What a script may rely on is said in lua/_prelude.lua.
"""

import functools
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import redis

from common.contracts.job import JOB_MOVES, LANES, QUEUED, STEP_MOVES, TERMINAL, WAITING
from common.contracts.kinds import LATE, STEP_KINDS
from common.errors import ReelwrightError

T = TypeVar("T")

REFUSALS = re.compile(r"\b(OOM|MISCONF|READONLY|LOADING|BUSY|NOREPLICAS|MASTERDOWN)\b")
"Answers of a Redis that is there but cannot write now, out of a script or plain."
REFUSED = (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)
"The client turns some of them into errors of their own, without the word."


class StateUnavailable(ReelwrightError):
    """Redis does not answer, or refuses to write."""

    code = "state_unavailable"


class Scripts:
    """One Redis. Raises `StateUnavailable` whenever it does not do as asked."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._registered: dict[str, Any] = {}
        self._lock = threading.Lock()

    def run(self, name: str, *arguments: Any) -> Any:
        """The answer of the script lua/`name`.lua."""
        return self.ask(lambda _: self._script(name)(args=arguments))

    def ask(self, question: Callable[[Any], T]) -> T:
        """The answer to plain commands, which `question` gives to the client."""
        try:
            return question(self.client)
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise StateUnavailable("the state store does not answer") from error
        except redis.ResponseError as error:
            if isinstance(error, REFUSED) or REFUSALS.search(str(error)):
                raise StateUnavailable("the state store cannot write now") from error
            raise

    def ask_with_time(self, question: Callable[[Any], Any]) -> tuple[Any, int]:
        """The answer to the one command that `question` puts into a pipeline, and the time, for one trip to Redis."""

        def both(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                question(pipe)
                return pipe.time().execute()

        answer, time = self.ask(both)
        return answer, _milliseconds_of(time)

    def in_batches(self, scan: Callable[[Any], Iterator[str]], size: int) -> Iterator[list[str]]:
        """Names that `scan` of the client finds, `size` at a time. Those that come or go meanwhile may be left out."""
        members = scan(self.client)
        while batch := self.ask(lambda _: list(islice(members, size))):
            yield batch

    def now(self) -> int:
        """Milliseconds of Redis' clock, the only clock that counts."""
        return _milliseconds_of(self.ask(lambda client: client.time()))

    def close(self) -> None:
        """Ends the connections. A later call would make new ones."""
        self.client.close()

    def _script(self, name: str) -> Any:
        with self._lock:
            if name not in self._registered:
                self._registered[name] = self.client.register_script(_source(name))
            return self._registered[name]


class Part:
    """A part of the job store: the reads or writes of one kind of program."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, rounded down: scripts count in these."""
    return int(seconds * 1000)


def constants() -> str:
    """The tables of the contracts as Lua, so that scripts and decisions go by the same ones."""
    return "".join(
        f"local {name} = {table}\n"
        for name, table in {
            "TERMINAL": _lua_set(TERMINAL),
            "WEIGHT": _lua_table({lane: str(weight) for lane, weight in LANES.items()}),
            "LATE": _lua_set(LATE),
            "QUEUE": _lua_table({kind: f"'{about.queue}'" for kind, about in STEP_KINDS.items() if about.queue}),
            "JOB_MOVES": _lua_moves(JOB_MOVES, QUEUED),
            "STEP_MOVES": _lua_moves(STEP_MOVES, WAITING),
        }.items()
    )


@functools.cache
def _source(name: str) -> str:
    folder = Path(__file__).parent / "lua"
    return constants() + (folder / "_prelude.lua").read_text() + (folder / f"{name}.lua").read_text()


def _lua_moves(moves: Mapping[str, frozenset[str]], initial: str) -> str:
    """`initial` is the state of what has none yet."""
    return _lua_table({"initial": f"'{initial}'"} | {state: _lua_set(to) for state, to in moves.items()})


def _lua_set(names: Iterable[str]) -> str:
    return _lua_table(dict.fromkeys(sorted(names), "true"))


def _lua_table(rows: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{name} = {value}' for name, value in rows.items())} }}"


def _milliseconds_of(time: tuple[int, int]) -> int:
    """Of the seconds and microseconds that Redis says."""
    seconds, micros = time
    return int(seconds) * 1000 + int(micros) // 1000
