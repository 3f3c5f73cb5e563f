"""The results as tables."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.report import Check, Row, Table
from benchmarks.scaling.experiments import (
    AS_IT_COMES,
    BURST,
    MORE_AT_ONCE,
    OTHERS_GROW,
    Burst,
    Results,
    ScaleIn,
)
from benchmarks.scaling.films import Film
from benchmarks.scaling.recorded import Recorded
from common.contracts.kinds import kinds_of
from common.messaging.queues import QUEUES

OFF = 1.25
"Factor by which the simulation may miss a real run."


def tables_of(recorded: Recorded, results: Results) -> list[Table]:
    burst = f"{BURST} films at once"
    return [
        Table("the films that were measured", [_film(film) for film in recorded.films]),
        Table("real runs on one machine, and the same simulated", list(_checks(results))),
        Table("films a minute while there is always more to do, and what they wait for", list(_fleets(results))),
        Table(f"{burst}: seconds until something happens", [_burst(one) for one in (*results.bursts, *results.others)]),
        Table(f"{burst}, renderers by load, from none", list(_limits(results))),
        Table("CPU seconds lost for each renderer that goes, by DRAIN_SECONDS", list(_scale_in(results.scale_in))),
    ]


def checks_of(results: Results) -> list[Check]:
    """The simulation must come near what was really measured."""
    return [
        Check(
            f"a real crowd against its simulation, renderers: {one.renderers}", _off(one.measured, one.simulated), OFF
        )
        for one in results.checks
    ]


def _off(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _film(film: Film) -> Row:
    row: dict[str, float | str] = {"film": film.name, "s": film.seconds, "steps": len(film.work)}
    row |= {f"CPU s, {queue.consumer}": film.of_kinds(kinds_of(queue.name)) for queue in QUEUES.values()}
    return row | {"longest step": max(film.work.values()), "MB through the store": film.megabytes}


def _checks(results: Results) -> Iterator[Row]:
    for one in results.checks:
        yield {
            "renderers": one.renderers,
            "films": one.films,
            "cores": one.cores,
            "s, measured": one.measured,
            "s, simulated": one.simulated,
            "s/film, measured": one.measured_film,
            "s/film, simulated": one.simulated_film,
        }


def _fleets(results: Results) -> Iterator[Row]:
    found = {(one.renderers, one.case): one for one in results.fleets}
    for renderers in dict.fromkeys(one.renderers for one in results.fleets):
        row: dict[str, float | str] = {"renderers": renderers}
        for case in (AS_IT_COMES, OTHERS_GROW, MORE_AT_ONCE):
            one = found[renderers, case]
            # Headings are told apart by spaces that nobody sees.
            row |= {case: one.per_minute, f"wait for{' ' * len(row)}": one.limit}
        yield row | {"MB/s of the store": found[renderers, MORE_AT_ONCE].megabytes}


def _burst(one: Burst) -> Row:
    return {
        "renderers": one.what,
        "first step": one.first_step,
        "of 95 %": one.late_step,
        "last job's": one.last_job,
        "first film": one.first_film,
        "half": one.half,
        "last film": one.last_film,
        "renderer min": one.pod_minutes,
        "% busy": 100 * one.busy,
    }


def _limits(results: Results) -> Iterator[Row]:
    for most, one in results.limits:
        yield {
            "renderers, at most": most,
            "films/min": 60 * BURST / one.last_film,
            "last film, s": one.last_film,
            "renderer min": one.pod_minutes,
            "% busy": 100 * one.busy,
        }


def _scale_in(found: Mapping[str, Sequence[ScaleIn]]) -> Iterator[Row]:
    for what, some in found.items():
        row: dict[str, float | str] = {"films, and how renderers go": what, "gone": some[0].removed}
        row |= {f"{one.drain:g} s": one.each for one in some}
        yield row | {"% of all work, at most": 100 * max(one.share for one in some)}
