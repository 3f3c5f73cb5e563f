"""The results of a run of chaos, in numbers and lines. Pure."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from common.contracts.job import CANCELLED, RUNNING, TERMINAL
from common.contracts.names import Kind, StepName
from infra.chaos.injector import Done
from infra.chaos.invariants import Record
from infra.chaos.recovery import HANDED_OVER, Lag, Recovery, recovery, was_running
from infra.chaos.usage import JUDGED_SECONDS, Sample
from infra.chaos.usage import lines as lines_of_usage

LEGEND = (
    "Hits: faults that met at least one running step in the part they harmed (- where they are not aimed at steps).",
    "The times are seconds since the fault: median / 99th percentile / longest. A step that survived its fault was",
    "done, but not started again.",
)
SHOWN = 50
"Violations that are printed; the first ones explain the rest."


@dataclass
class Tally:
    """One row of the table of faults."""

    count: int = 0
    not_made: str = ""
    aimed: bool = True
    "False if faults of this kind are not aimed at steps."
    hits: int = 0
    "Faults that met a running step."
    steps: int = 0
    "Steps that they met."
    recoveries: list[Recovery] = field(default_factory=list)


@dataclass
class Report:
    """Everything a run has to say."""

    seed: int
    seconds: float
    faults: Mapping[str, Tally]
    outcomes: Counter[str]
    wishes: Counter[str]
    runs: int
    "Steps that were started, in jobs that were not cancelled."
    repeated: int
    "Of these, starts of a step that had been started before and not been done."
    settled: float
    "Seconds from the end of the faults to the end of the last job, or of hope."
    violations: Sequence[str] = ()
    ordered: int = 0
    "Clips that were ordered at the far studio."
    called_off: int = 0
    lags: Sequence[Lag] = ()
    "Steps that lost their holders."
    away: float = 0.0
    "Seconds for which Redis, the store or every orchestrator was away."
    samples: Sequence[Sample] = ()
    "What the run used over time."

    @property
    def well(self) -> bool:
        return not self.violations


def tally(done: Sequence[Done], records: Sequence[Record], aimed: Collection[str]) -> dict[str, Tally]:
    """A row per kind of fault, with the recovery of every step it hit. `aimed` are the kinds aimed at steps."""
    events = {record.id: record.events for record in records}
    table: dict[str, Tally] = {}
    for one in done:
        row = table.setdefault(one.fault.kind, Tally(aimed=one.fault.kind in aimed))
        if one.struck is None:
            row.not_made = one.why_not
            continue
        row.count += 1
        at = one.struck.at
        met = [held for held in one.struck.held if was_running(events.get(held.job, ()), held.step, at)]
        row.hits, row.steps = row.hits + bool(met), row.steps + len(met)
        found = (recovery(events[held.job], held.step, at) for held in met)
        row.recoveries += [each for each in found if each is not None]
    return table


def hits(table: Mapping[str, Tally]) -> tuple[int, int]:
    """Of the faults that are aimed at steps, how many met one, and how many there were."""
    aimed = [row for row in table.values() if row.aimed]
    return sum(row.hits for row in aimed), sum(row.count for row in aimed)


def executions(records: Sequence[Record]) -> tuple[int, int]:
    """The number of steps started, and of these starts that came to nothing. Cancelled jobs do not count."""
    runs = useful = 0
    for record in records:
        if record.job is None or record.job.state == CANCELLED:
            continue
        for event in record.events:
            if event.type == "step" and StepName(str(event.data["step"])).kind != Kind.CAST:
                runs += event.data["state"] == RUNNING
                useful += event.data["state"] in HANDED_OVER and not event.data.get("reused")
    return runs, max(0, runs - useful)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> str:
    """`p50 / p99 / max` in seconds."""
    if not values:
        return "-"
    return " / ".join(f"{value:.1f}" for value in (percentile(values, 0.5), percentile(values, 0.99), max(values)))


def lines(report: Report) -> list[str]:
    """The report for a person."""
    made = sum(row.count for row in report.faults.values())
    jobs = sum(report.outcomes.values())
    text = [
        f"seed {report.seed}: {made} faults in {report.seconds:.0f} s, {jobs} jobs accepted",
        "",
        f"{'fault':<30} {'times':>5} {'hits':>5} {'steps':>6} {'started again after':>21} {'done after':>21}",
    ]
    text += [_row(kind, row) for kind, row in sorted(report.faults.items(), key=lambda item: -item[1].count)]
    everything = _sum(report.faults)
    outcomes = ", ".join(f"{count} {state}" for state, count in report.outcomes.most_common())
    wishes = ", ".join(f"{count} {wish}" for wish, count in report.wishes.most_common())
    met, aimed = hits(report.faults)
    share = 100 * report.repeated / report.runs if report.runs else 0.0
    text += [
        _row("all", everything),
        *LEGEND,
        f"{met} of {aimed} faults that are aimed at steps met one",
        *_lags(report.lags),
        f"Redis, the object store or every orchestrator was away, slow or full for {report.away:.0f} s",
        "",
        f"jobs: {outcomes or 'none'}",
        f"wishes of users that were granted: {wishes or 'none'}",
        f"clips ordered elsewhere: {report.ordered}, {report.called_off} of them called off",
        f"steps were started {report.runs} times; {report.repeated} of these starts ({share:.1f} %) came to nothing",
        _settled(report),
        *(["", *lines_of_usage(report.samples), ""] if report.seconds >= JUDGED_SECONDS else []),
    ]
    if report.well:
        return [*text, "every invariant holds: nothing was lost, broken, done twice or left over"]
    count = len(report.violations)
    head = "an invariant is violated:" if count == 1 else f"{count} violations of invariants:"
    shown = [f"  {violation}" for violation in report.violations[:SHOWN]]
    return [*text, head, *shown, *([f"  ... and {count - SHOWN} more"] if count > SHOWN else [])]


def _lags(lags: Sequence[Lag]) -> list[str]:
    """A line for each time limit of promise 8."""
    text = []
    for limit in sorted({lag.hit.limit for lag in lags}):
        found = [lag for lag in lags if lag.hit.limit == limit]
        since, counted = spread([lag.since_fault for lag in found]), spread([lag.counted for lag in found])
        text.append(
            f"{len(found)} steps lost their holders; they were ready again after {since} s. Without what they had to "
            f"wait for that is {counted} s, of {limit:g}"
        )
    return text


def _settled(report: Report) -> str:
    if set(report.outcomes) <= TERMINAL:
        return f"all jobs had ended {report.settled:.1f} s after the last fault"
    return f"not all jobs have ended, and nothing moved any more {report.settled:.1f} s after the last fault"


def _row(kind: str, row: Tally) -> str:
    if not row.count and row.not_made:
        return f"{kind:<30} {0:>5} {'':>12} not made: {row.not_made}"
    hits, steps = (row.hits, row.steps) if row.aimed else ("-", "-")
    again = [one.restart for one in row.recoveries if one.restart is not None]
    done = [one.commit for one in row.recoveries]
    return f"{kind:<30} {row.count:>5} {hits:>5} {steps:>6} {spread(again):>21} {spread(done):>21}"


def _sum(table: Mapping[str, Tally]) -> Tally:
    rows = list(table.values())
    return Tally(
        count=sum(row.count for row in rows),
        hits=sum(row.hits for row in rows if row.aimed),
        steps=sum(row.steps for row in rows if row.aimed),
        recoveries=[one for row in rows for one in row.recoveries],
    )
