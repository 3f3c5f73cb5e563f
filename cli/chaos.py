"""`reel chaos`: the real stack under random faults, checked for anything that was lost."""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from cli.errors import FAILED, OK, BadInput, CommandError
from infra.chaos.client import Silent
from infra.chaos.figures import lines
from infra.chaos.run import GAP_SECONDS, Options, run
from infra.local import StackError, held
from infra.supervisor import GaveUp

MAX_SEED = 2**31


class Pace(NamedTuple):
    """How long a run takes, and how far its faults are apart on average. In seconds."""

    seconds: float
    gap: float


SHORT, SOAK = Pace(60.0, GAP_SECONDS), Pace(7200.0, 5.0)


def chaos(options: argparse.Namespace) -> int:
    """Returns 0 when every invariant holds. Without `--data` the folder is kept only if one does not."""
    seed = options.seed if options.seed is not None else secrets.randbelow(MAX_SEED)
    data = _empty_folder(options.data)
    kept = options.data is not None
    try:
        with held(data):
            report = run(_options(options, seed, data), _say)
    except (StackError, GaveUp, Silent) as error:
        kept = True
        raise CommandError(f"{error} (the logs are in {data / 'logs'})") from None
    else:
        print("\n".join(lines(report)), flush=True)
        kept = kept or not report.well
    finally:
        if not kept:
            shutil.rmtree(data, ignore_errors=True)
    if report.well:
        return OK
    _say(f"The logs, the state and the objects are in {data}; the same seed gives the same schedule.")
    return FAILED


def _options(options: argparse.Namespace, seed: int, data: Path) -> Options:
    usual = SOAK if options.soak else SHORT
    seconds, gap = options.seconds or usual.seconds, options.gap or usual.gap
    return Options(seed, seconds, data, options.jobs, gap, hosts=options.hosts, kept=options.data is not None)


def _empty_folder(wanted: Path | None) -> Path:
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="reel-chaos-"))
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        if any(wanted.iterdir()):
            raise BadInput(f"--data must be an empty folder or a new one; {wanted} has something in it")
    except OSError as error:
        raise BadInput(f"the data folder {wanted} cannot be used ({error.strerror})") from None
    return wanted.resolve()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
