"""A real service of the pipeline whose steps put a few bytes in the place of media, and wait where a test says so.

`python -m tests.support.tiny_worker SERVICE`, with FOLDER in the environment: `log` there gets a line for every step
that starts, and while there is a file `held/<job id>`, steps of that job wait whose names begin with what it says.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.contracts.base import Contract
from common.contracts.kinds import STEP_KINDS
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.worker.runner import Handler
from common.worker.service import Service, serve
from common.worker.steprun import StepRun
from orchestrator.cleanup.janitor import janitor
from orchestrator.reconciler import reconcile
from tests.support import tiny_films
from tests.support.ready import ABOUT, BUILD

FOLDER = Path(os.environ.get("FOLDER", ""))
SLOTS = 4


def held(handler: Handler) -> Handler:
    def handle(spec: Any, run: StepRun) -> Contract:
        while run.step.startswith(_held_in(run.job_id)):
            run.check()
            time.sleep(0.02)
        return handler(spec, run)

    return handle


def _held_in(job_id: str) -> str:
    try:
        return (FOLDER / "held" / job_id).read_text() or "nothing"
    except FileNotFoundError:
        return "nothing"


def main(name: str) -> int:
    queue = next(queue.name for queue in QUEUES.values() if queue.consumer == name)

    def handlers(settings: Settings) -> Mapping[str, Handler]:
        every = tiny_films.handlers(settings)
        ours = {kind: held(handler) for kind, handler in every.items() if STEP_KINDS[kind].queue == queue}
        return tiny_films.logged(ours, FOLDER / "log")

    def engines(settings: Settings) -> Mapping[str, Any]:
        return {"sources": ["scenery"], **(ABOUT if name == "whisper_worker" else {"ffmpeg": BUILD})}

    beside = (reconcile, janitor) if name == "orchestrator" else ()
    return serve(Service(name, queue, lambda settings: SLOTS, handlers, engines, pool="threads", beside=beside))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
