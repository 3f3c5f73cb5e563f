"""`reel bench`: what things cost, measured on this machine."""

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any

from api.cli.errors import FAILED, OK, BadInput, CommandError
from benchmarks.report import Report, machine, say_to_stderr
from infra.local import StackError

FOLDER = Path(__file__).resolve().parent.parent.parent / "benchmarks"
RESULTS = FOLDER / "results"


def bench(options: argparse.Namespace) -> int:
    """Runs one benchmark or all of them. Returns 1 if figures are to be checked and one is higher than it may be."""
    names = _chosen(options.name)
    try:
        facts = machine()
        print(", ".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
        reports = [_run(name, facts, options) for name in names]
    except StackError as error:
        raise CommandError(str(error)) from None
    failed = not all(check.passed for report in reports for check in report.checks)
    return FAILED if options.check and failed else OK


def _chosen(name: str | None) -> list[str]:
    names = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
    if name is not None and name not in names:
        raise BadInput(f"there is no benchmark {name}; there is: {', '.join(names)}")
    return [name] if name is not None else names


def _run(name: str, facts: dict[str, Any], options: argparse.Namespace) -> Report:
    print(f"\n== {name}", flush=True)
    report: Report = importlib.import_module(f"benchmarks.{name}").measure(options.quick, say_to_stderr)
    print(report.text(), flush=True)
    if options.save:
        _save(name, {"benchmark": name, "quick": options.quick, "machine": facts, **report.as_json()})
    return report


def _save(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"saved: {path}", flush=True)
