"""Work elsewhere that nobody wants any more: the other side is told, by any worker of the queue, until it has heard.

A step that waits has a ticket. When its job is cancelled or ends, or the step gets other work, the script that takes
the ticket away puts it on a list of its queue, in the same moment: whatever dies, no ticket is forgotten.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from common.contracts.kinds import parse_spec
from common.contracts.names import StepName
from common.errors import ReelwrightError
from common.jobs.claims import CallOff, Claims
from common.jobs.scripts import StateUnavailable
from common.jobs.store import connect
from common.settings import Settings

log = logging.getLogger(__name__)

Caller = Callable[[Any, str, str], None]
"""Takes the spec of a step, its ticket, and the owner of the job.

May be called again for the same ticket, and for work that has had its end long since. Raises a `ReelwrightError` when
the other side cannot be told now.
"""

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 30.0
"Pause before the other side is told once more; longer than telling it may take."
GIVE_UP_MS = 24 * 3600 * 1000


class CallingOff:
    """Tells the other sides of one queue."""

    def __init__(self, store: Claims, queue: str, callers: Mapping[str, Caller]) -> None:
        self._store, self._queue, self._callers = store, queue, callers

    def look(self) -> int:
        """Calls off the tickets whose time has come; returns how many are done with. Raises `StateUnavailable`."""
        done = 0
        # One by one: while one is told, the others are free for other workers.
        while (one := self._store.take_call_off(self._queue, AGAIN_SECONDS)) is not None:
            done += self._done_with(one)
        return done

    def _done_with(self, one: CallOff) -> bool:
        if self._store.is_still_done(one):
            return False
        if not self._told(one):
            if one.spec and self._store.scripts.now() - one.at < GIVE_UP_MS:
                return False
            log.error(
                "work elsewhere goes on for nobody: %s of %s (owner %s) could not be called off; its ticket is %s",
                one.step,
                one.job,
                one.owner,
                one.ticket,
            )
        self._store.called_off(self._queue, one)
        return True

    def _told(self, one: CallOff) -> bool:
        kind = StepName(one.step).kind
        caller = self._callers.get(kind)
        if caller is None or not one.spec:
            return False
        try:
            caller(parse_spec(kind, one.spec), one.ticket, one.owner)
        except ReelwrightError as error:
            log.warning("%s of %s is not called off yet: %s", one.step, one.job, error)
            return False
        except Exception:
            log.exception("%s of %s cannot be called off", one.step, one.job)
            return False
        log.info("%s of %s is called off elsewhere", one.step, one.job)
        return True


def calling_off(
    queue: str, callers: Callable[[Settings], Mapping[str, Caller]]
) -> Callable[[Settings, threading.Event], None]:
    """The work of a service beside its steps: looks for tickets until it is stopped."""

    def keep_looking(settings: Settings, stop: threading.Event) -> None:
        store = connect(settings)
        looking = CallingOff(store, queue, callers(settings))
        while not stop.wait(LOOK_SECONDS):
            try:
                looking.look()
            except StateUnavailable:
                pass  # they are kept, and looked for again
            except Exception:
                log.exception("tickets of %s cannot be looked through", queue)
        store.close()

    return keep_looking
