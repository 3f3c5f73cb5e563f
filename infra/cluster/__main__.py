"""The trial inside namespaces of its own; `./reel cluster` makes these and starts it."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from infra.cluster.apart import prepare
from infra.cluster.node import node
from infra.cluster.trial import Trial, try_everything
from infra.images.engine import CannotRun
from infra.images.trial import TrialFailed
from infra.local import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.cluster", description=__doc__)
    parser.add_argument("--programs", type=Path, required=True, help="where build-kubernetes has put them")
    parser.add_argument("--kubectl", required=True, help="the program")
    parser.add_argument("--images", type=Path, required=True, help="folder of the engine that has the images")
    parser.add_argument("--folder", type=Path, required=True, help="made anew; only the logs stay")
    options = parser.parse_args()
    folder = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        prepare(folder)
        started = time.monotonic()
        with node(options.programs, options.kubectl, folder, options.images) as cluster:
            trial = Trial(cluster, ROOT, folder, _say)
            trial.figures["node ready"] = f"{time.monotonic() - started:.0f} s"
            _say(f"node ready: {trial.figures['node ready']}")
            try_everything(trial)
    except CannotRun as error:
        print(f"reel: the cluster cannot be tried here: {error}", file=sys.stderr)
        return 1
    except TrialFailed as error:
        _say(f"FAILED: {error} (the logs are in {folder / 'logs'})")
        return 1
    print("\n".join(f"{what}: {figure}" for what, figure in trial.figures.items()))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
