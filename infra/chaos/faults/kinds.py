"""The table of all kinds of faults."""

from functools import partial

from common.settings import Settings
from infra.chaos.faults.links import cut_link, cut_off_redis, deafen, silence
from infra.chaos.faults.objects import damage_object, needed
from infra.chaos.faults.programs import (
    POP_SECONDS,
    encoding,
    first_encoding,
    freeze_and_kill_idle_worker,
    freeze_ffmpeg,
    freeze_worker,
    hang_ffmpeg,
    idle_workers,
    kill_all_workers,
    kill_api,
    kill_ffmpeg,
    kill_orchestrator,
    kill_pool_child,
    kill_supervisor,
    kill_worker,
    restart_worker,
)
from infra.chaos.faults.stores import (
    delete_hints,
    fill_data_disk,
    fill_redis,
    fill_work_disk,
    forget_what_is_due,
    freeze_store,
    hints_wait,
    kill_store,
    multiply_hints,
    pause_redis,
)
from infra.chaos.faults.striking import REDIS, S3, WORKERS, FaultKind, Injection, anything_runs, busy
from infra.chaos.recovery import GRACE
from infra.chaos.schedule import Habit


def kinds(settings: Settings, hosts: bool = False) -> dict[str, FaultKind]:
    """All kinds of faults of a stack with these settings, by their name in reports; those of links with `hosts`."""
    return _everywhere(settings) | (_links() if hosts else {})


def _links() -> dict[str, FaultKind]:
    return {
        "link cut for 5 s": _of_link(4, 5.0, cut_link),
        "link cut for 30 s": _of_link(2, 30.0, cut_link),
        "Redis cut off for 5 s": _of_redis(2, 5.0),
        "Redis cut off for 30 s": _of_redis(1, 30.0),
        "host deaf for 5 s": _of_link(2, 5.0, deafen),
        "host mute for 5 s": _of_link(2, 5.0, silence),
    }


def _of_link(share: int, lasts: float, inject: Injection) -> FaultKind:
    return FaultKind(Habit("link", share, (lasts, lasts)), inject, anything_runs, True)


def _of_redis(share: int, lasts: float) -> FaultKind:
    return FaultKind(Habit(REDIS, share, (lasts, lasts)), cut_off_redis, anything_runs, True)


def _everywhere(settings: Settings) -> dict[str, FaultKind]:
    lease, longest = settings.lease_seconds, settings.step_timeout
    past_lease = (lease + 0.5, lease + 2.5)
    return {
        "worker killed": _of_worker(3, kill_worker),
        "pool child killed": _of_worker(3, kill_pool_child),
        "orchestrator killed": FaultKind(Habit("worker", 2), kill_orchestrator, busy("orchestrator"), True),
        "all workers killed": _of_worker(1, kill_all_workers),
        "worker restarted": _of_worker(2, restart_worker),
        "worker frozen past its lease": FaultKind(Habit("frozen", 2, past_lease), freeze_worker, busy(*WORKERS), True),
        "idle worker frozen and killed": FaultKind(
            Habit("frozen", 1, (POP_SECONDS, POP_SECONDS)),
            freeze_and_kill_idle_worker,
            lambda site: bool(idle_workers(site)),
        ),
        "ffmpeg killed": FaultKind(Habit("ffmpeg", 2), kill_ffmpeg, first_encoding, True),
        "ffmpeg frozen": FaultKind(Habit("ffmpeg", 1, (0.5, lease + 3.0)), freeze_ffmpeg, encoding, True),
        "ffmpeg hangs": FaultKind(Habit("ffmpeg", 1), hang_ffmpeg, first_encoding, True, longest + GRACE),
        "API killed": FaultKind(Habit("api", 2), kill_api),
        "supervisor killed": FaultKind(Habit("supervisor", 1), kill_supervisor, anything_runs, True, alone=True),
        "hints deleted": FaultKind(Habit("broker", 2), delete_hints, hints_wait),
        "hints multiplied": FaultKind(Habit("broker", 2), multiply_hints, hints_wait),
        "what is due forgotten": FaultKind(Habit("broker", 1), forget_what_is_due, anything_runs),
        "Redis killed": _of_store(REDIS, 2, partial(kill_store, REDIS)),
        "Redis frozen": _of_store(REDIS, 1, partial(freeze_store, REDIS), 4.0),
        "Redis slow": _of_store(REDIS, 1, pause_redis, 3.0),
        "Redis full": _of_store(REDIS, 1, fill_redis, 3.0),
        "S3 killed": _of_store(S3, 1, partial(kill_store, S3)),
        "S3 frozen": _of_store(S3, 1, partial(freeze_store, S3), 6.0),
        "stored object damaged": FaultKind(Habit("objects", 2), damage_object, needed),
        "work disk full": _of_store("disk", 1, fill_work_disk, 4.0),
        "data disk full": _of_store("disk", 1, fill_data_disk, 4.0),
    }


def _of_worker(share: int, inject: Injection) -> FaultKind:
    return FaultKind(Habit("worker", share), inject, busy(*WORKERS), True)


def _of_store(part: str, share: int, inject: Injection, longest: float = 0.0) -> FaultKind:
    """A fault of something that every step needs, lasting up to `longest` seconds; 0: of a moment."""
    lasts = (min(0.5, longest), longest)
    return FaultKind(Habit(part, share, lasts), inject, anything_runs, True)
