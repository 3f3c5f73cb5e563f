"""How many films a cluster makes, and what scaling by load does: see docs/scaling.md."""

from benchmarks.report import Report, Say, Scope
from benchmarks.scaling import page
from benchmarks.scaling.experiments import QUICK, WHOLE, simulate
from benchmarks.scaling.steptimes import FILE, load, save
from benchmarks.scaling.tables import checks_of, tables_of


def measure(scope: Scope, say: Say) -> Report:
    """Simulates with the step times that are kept in the repository; measures them anew first if that is asked for.

    If all is simulated, the figures and the picture of docs/scaling.md are written anew. They change only if the step
    times, the rules or the simulation have changed.
    """
    if scope.measure:
        from benchmarks.scaling.recording import record  # starts the whole stack, which a simulation has no need of

        save(record(scope, say))
        say(f"saved: {FILE}")
    recorded = load()
    results = simulate(recorded, QUICK if scope.quick else WHOLE, say)
    report = Report(tables_of(recorded, results), checks_of(results), {"about": recorded.about})
    if not scope.quick:
        page.write(report, results, say)
    return report
