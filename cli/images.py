"""`reel images`: builds the images and tries them as an operator would."""

import argparse
import sys

from cli.errors import FAILED, OK, CommandError
from infra.images import bases
from infra.images.engine import CannotRun, engine
from infra.images.trial import Trial, TrialFailed, try_everything
from infra.local import ROOT


def images(options: argparse.Namespace) -> int:
    """Returns 0 when everything is as it must be; raises `CommandError` where it cannot be tried at all."""
    folder = (options.data or ROOT / ".reel" / "images").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with engine(folder) as docker:
            python = options.python or bases.usual_python(ROOT)
            stand_ins = bases.provide(docker, ROOT, folder, python, _say)
            trial = Trial(docker, ROOT, folder, python, _say)
            try_everything(trial)
    except CannotRun as error:
        raise CommandError(f"the images cannot be tried here: {error}") from None
    except TrialFailed as error:
        _say(f"FAILED: {error} (the logs are in {folder / 'services.log'})")
        return FAILED
    print("\n".join([*bases.describe(stand_ins), *(f"{what}: {figure}" for what, figure in trial.figures.items())]))
    return OK


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
