"""The cost of the orchestration itself, with steps that do nothing: see benchmarks/README.md."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.orchestration.counting import Reading, total
from benchmarks.orchestration.rig import Rig, rig
from benchmarks.report import Check, Report, Row, Say, Scope, Table, growth, highest
from orchestrator.job_cache import JobCache

SCENES = 5
"Scenes of each job, when the number of jobs varies."
STEPS = 4 * SCENES + 4
"Steps of such a job: speak, search, acquire and segment of each scene; plan, mix, assemble and publish."
PLACES = 16
"Jobs that run at once unless all of them are admitted: the default of MAX_CONCURRENT_JOBS."
GATHERED = 0.7
"Share of the narrations and searches of a crowd of jobs; until then hardly any other step is done."
TIMES, COUNTS = 1.5, 1.5
"Factors by which the time and the number of calls for the same work may grow from few to many."
READS = 4.0
"The same for reads of things forgotten: of so many jobs that run at once, not all are remembered."
ONE = 1.1
"One look for each step done; now and then one more, such as for a deadline."


class Plan(NamedTuple):
    """The extent of the measurement."""

    jobs: Sequence[int]
    "Jobs in flight."
    finished: int
    "Jobs that are finished at each of these numbers."
    steps: int
    "Steps done at each of them when all jobs are admitted; 0 leaves this part out."
    scenes: Sequence[int]
    "Scenes of one job by itself."
    films: int
    "Jobs of each size are made until they have this many scenes together."
    looks: int
    "Looks at a job of each size; 0 leaves this part out."


WHOLE = Plan(jobs=(10, 100, 1_000, 5_000), finished=32, steps=1_000, scenes=(5, 20, 50, 100, 200), films=100, looks=20)
QUICK = Plan(jobs=(10, 200), finished=16, steps=0, scenes=(5, 50), films=50, looks=10)


def measure(scope: Scope, say: Say) -> Report:
    """Quick: a few sizes only, and no judgement of times, which mean little after so few steps."""
    plan = QUICK if scope.quick else WHOLE
    alone(SCENES, SCENES)  # so that what is loaded or compiled at first use is not measured
    parts: tuple[tuple[str, Callable[[int, int], Row], Sequence[int], int], ...] = (
        ("some jobs run, the others wait", waiting, plan.jobs, plan.finished),
        ("all jobs run", crowd, plan.jobs, plan.steps),
        ("one job at a time", alone, plan.scenes, plan.films),
        ("one look after one step", looks, plan.scenes, plan.looks),
    )
    tables = [_table(title, part, sizes, amount, say) for title, part, sizes, amount in parts if amount]
    return Report(tables, [check for table in tables for check in _checks(table, scope.quick)])


def waiting(jobs: int, finished: int) -> Row:
    """The cost of finishing some of `jobs` in flight, of which only a few run while the others wait."""
    with rig(PLACES) as system:
        empty = system.read()
        system.accept(jobs, SCENES)
        accepted = system.read().since(empty)
        with system.running():
            _finish(system, PLACES)
            before = system.read()
            _finish(system, finished)
            work = system.read().since(before)
    films = work.done / STEPS  # half-done work before and after counts, too
    row = {"jobs": jobs, **_costs(work, "scene", films * SCENES), "jobs/s": films / work.seconds}
    return row | {"bytes/job accepted": accepted.memory // jobs}


def crowd(jobs: int, steps: int) -> Row:
    """The cost of narrations and searches of `jobs` in flight, all of them admitted and served in turn.

    Few jobs do not have enough of these, and another crowd follows when the first has ended.
    """
    waves: list[Reading] = []
    memory = []
    accepted = 1
    with rig(0) as system, system.running():
        _make(system, SCENES)  # so that Redis has its scripts
        empty = system.read()
        while (left := steps - sum(wave.done for wave in waves)) > 0:
            _wait_for(system, system.log.ended, accepted)
            system.accept(jobs, SCENES)
            accepted += jobs
            _wait_for(system, system.log.planned, accepted)
            before = system.read()
            goal = before.done + min(left, int(GATHERED * 2 * SCENES * jobs))
            _wait_for(system, system.log.done, min(goal, accepted * STEPS))
            waves.append(system.read().since(before))
            memory.append(before.since(empty).memory)
    work = total(waves)
    row = {"jobs": jobs, **_costs(work, "step", work.done), "steps/s": work.done / work.seconds}
    return row | {"bytes/job planned": memory[0] // jobs}


def alone(scenes: int, films: int) -> Row:
    """The cost of jobs of `scenes` scenes, one after the other, each from beginning to end."""
    count = max(1, films // scenes)
    with rig(PLACES) as system, system.running():
        _make(system, 1)  # so that Redis has its scripts
        before = system.read()
        for _ in range(count):
            _make(system, scenes)
        work = system.read().since(before)
    row = {"scenes": scenes, **_costs(work, "scene", count * scenes), "s/job": work.seconds / count}
    return row | {"bytes/job ended": work.memory // count, "bytes/scene ended": work.memory // (count * scenes)}


def looks(scenes: int, count: int) -> Row:
    """The cost of the reconciler's look at a half-done job of `scenes` scenes after a single step of it.

    This is so when steps take long; in the other parts, where they take no time, one look follows many of them.
    """
    usual, first, work, cache = [], [], [], JobCache()
    with rig(PLACES) as system:
        system.accept(1, scenes)
        with system.running():
            _wait_for(system, system.log.done, 2 * scenes)
        system.look(cache)
        for _ in range(min(count, scenes)):
            system.do_a_step()
            before = system.read()
            usual.append(1000 * system.look(cache))
            work.append(system.read().since(before))
            first.append(1000 * system.look(JobCache()))
    whole = total(work)
    row = {"scenes": scenes, "ms/look": median(usual), "ms/look/scene": median(usual) / scenes}
    row |= {"calls/look": whole.calls.total() / len(work), "commands/look": whole.commands.total() / len(work)}
    return row | {"ms/first look": median(first), "ms/first look/scene": median(first) / scenes}


def _make(system: Rig, scenes: int) -> None:
    before = len(system.log.ended)
    system.accept(1, scenes)
    _wait_for(system, system.log.ended, before + 1)


def _finish(system: Rig, jobs: int) -> None:
    """Works until `jobs` more have ended; each of them is replaced by a new one."""
    ended = len(system.log.ended)
    goal = ended + jobs
    while ended < goal:
        _wait_for(system, system.log.ended, ended + 1)
        now = len(system.log.ended)
        system.accept(now - ended, SCENES)
        ended = now


def _wait_for(system: Rig, happened: Sequence[str], often: int) -> None:
    system.until(lambda: len(happened) >= often)


def _costs(work: Reading, unit: str, count: float) -> Row:
    return {
        f"CPU ms/{unit}": 1000 * work.cpu / count,
        "reconciler": 1000 * work.reconciler / count,
        "workers": 1000 * work.workers / count,
        "Redis": 1000 * work.redis / count,
        "looks/step": work.looks / work.done,
        "reads/step": work.reads / work.done,
        f"calls/{unit}": work.calls.total() / count,
        f"commands/{unit}": work.commands.total() / count,
    }


def _table(title: str, part: Callable[[int, int], Row], sizes: Sequence[int], amount: int, say: Say) -> Table:
    rows = []
    for size in sizes:
        say(f"{title}: {size:,} ...")
        rows.append(part(size, amount))
    return Table(title, rows)


def _checks(table: Table, quick: bool) -> list[Check]:
    """Checks that a step asks for one look at most, and that nothing else grows."""
    names = list(table.rows[0])
    checks = [highest(table, name, ONE) for name in names if name == "looks/step"]
    checks += [growth(table, name, COUNTS) for name in names if name.startswith(("calls", "commands"))]
    checks += [growth(table, name, READS) for name in names if name == "reads/step"]
    if not quick:
        checks += [
            growth(table, name, TIMES) for name in names if name.startswith("CPU") or name.endswith("look/scene")
        ]
    return checks
