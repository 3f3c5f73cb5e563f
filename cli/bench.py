"""`reel bench`: the costs of the pipeline and its parts, measured on this machine."""

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.report import NotMeasured, Report, Scope, machine, say_to_stderr
from cli.errors import FAILED, OK, BadInput, CommandError
from infra.local import StackError
from infra.supervisor import GaveUp

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
RESULTS = FOLDER / "results"


def bench(options: argparse.Namespace) -> int:
    """Runs one benchmark or all of them. Returns 1 if figures are to be checked and one is higher than it may be."""
    names = _chosen(options.name)
    scope = Scope(quick=options.quick, pairs=options.pairs, measure=options.measure)
    if options.data is not None:
        scope = scope._replace(data=options.data.resolve())
    _prepare(scope.data)
    try:
        facts = machine()
        print(", ".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
        reports = [_run(name, facts, scope, save=options.save) for name in names]
    except (NotMeasured, StackError, GaveUp) as error:
        raise CommandError(str(error)) from None
    failed = not all(check.passed for report in reports for check in report.checks)
    return FAILED if options.check and failed else OK


def _chosen(name: str | None) -> list[str]:
    names = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
    if name is not None and name not in names:
        raise BadInput(f"there is no benchmark {name}; there is: {', '.join(names)}")
    return [name] if name is not None else names


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the data folder {folder} cannot be used ({error.strerror})") from None


def _run(name: str, facts: dict[str, Any], scope: Scope, *, save: bool) -> Report:
    print(f"\n== {name}", flush=True)
    report: Report = importlib.import_module(f"benchmarks.{name}").measure(scope, say_to_stderr)
    print(report.text(), flush=True)
    if save:
        _save(name, {"benchmark": name, "quick": scope.quick, "machine": facts, **report.as_json()})
    return report


def _save(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"saved: {path}", flush=True)
