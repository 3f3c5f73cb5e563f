"""A real service that makes tiny films, but whose steps do first what a test has ordered. Run as a program.

`python -m tests.support.obedient_worker POOL`, with ORDERS naming a folder: the file `<job id>.<kind>` in it holds
an order, a function below. With `once` behind it, it is carried out once.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common import launcher
from common.contracts.base import Contract
from common.contracts.names import StepName
from common.messaging import app
from common.settings import Settings
from common.worker.runner import Handler
from common.worker.service import Service, serve
from common.worker.steprun import StepRun
from renderer.ffmpeg.limits import Limits
from renderer.ffmpeg.run import ffmpeg_program, run_ffmpeg
from retriever.inspection.sandbox import probe
from tests.support import tiny_films
from tests.support.ready import BUILD

ORDERS = Path(os.environ.get("ORDERS", ""))
OVERTIME = "OVERTIME"
LIMITS = Limits(memory=4 << 30, file=1 << 30, seconds=600)


def wait(run: StepRun) -> None:
    """Goes on until the file `<job id>.go` is there."""
    while not ORDERS.joinpath(f"{run.job_id}.go").exists():
        run.check()
        time.sleep(0.02)


def encode(run: StepRun) -> None:
    """Encodes a picture without an end, and with hardly any work."""
    source = ["-re", "-f", "lavfi", "-i", "color=c=navy:s=64x64:r=5"]
    run_ffmpeg(ffmpeg_program(), [*source, "-c:v", "libx264", "-preset", "ultrafast", "endless.mkv"], run, LIMITS)


def inspect(run: StepRun) -> None:
    """Looks into a file whose content never comes."""
    os.mkfifo(run.workdir / "endless")
    probe(run.workdir / "endless", "video/mp4", run)


def die(run: StepRun) -> None:
    """Kills its own process while a child of it runs, as the kernel does when memory is short."""
    _start_a_child(run)
    os.kill(os.getpid(), signal.SIGKILL)


def deaf(run: StepRun) -> None:
    """Goes on for ever and hears nothing."""
    _start_a_child(run)
    while True:
        time.sleep(1)


def freeze(run: StepRun) -> None:
    """Stops its own process, until somebody lets it go on."""
    _start_a_child(run)
    os.kill(os.getpid(), signal.SIGSTOP)


BEFORE: Mapping[str, Callable[[StepRun], None]] = {
    order.__name__: order for order in (wait, encode, inspect, die, deaf)
}
AFTER: Mapping[str, Callable[[StepRun], None]] = {order.__name__: order for order in (freeze,)}
"Carried out when everything is stored, before it is committed."


def _start_a_child(run: StepRun) -> None:
    run.adopt(subprocess.Popen(launcher.launched(["sleep", "600"]), cwd=run.workdir))


def handlers(settings: Settings) -> Mapping[str, Handler]:
    usual = tiny_films.handlers(settings)
    return tiny_films.logged({kind: _obeying(handler) for kind, handler in usual.items()}, ORDERS / "log")


def _obeying(handler: Handler) -> Handler:
    def handle(spec: Any, run: StepRun) -> Contract:
        order = _order(run)
        if order in BEFORE:
            BEFORE[order](run)
        facts = handler(spec, run)
        if order in AFTER:
            AFTER[order](run)
        return facts

    return handle


def _order(run: StepRun) -> str:
    path = ORDERS / f"{run.job_id}.{StepName(run.step).kind}"
    if not path.exists():
        return ""
    order, _, once = path.read_text().partition(" ")
    if once:
        path.unlink()
    return order


def slots(settings: Settings) -> int:
    return settings.slots(settings.render_slots)


def engines(settings: Settings) -> Mapping[str, Any]:
    return {"ffmpeg": BUILD}


def main(pool: str) -> int:
    app.OVERTIME = float(os.environ.get(OVERTIME, app.OVERTIME))
    if pool == "threads":
        return serve(Service("orchestrator", "orchestrate", slots, handlers, engines, pool=pool))
    return serve(Service("renderer", "render", slots, handlers, engines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
