"""`reel cluster`: the manifests for Kubernetes, on a real one."""

import argparse
import sys
from pathlib import Path

from cli.errors import CommandError
from infra.cluster import outside
from infra.images import bases
from infra.images.engine import CannotRun
from infra.local import ROOT


def cluster(options: argparse.Namespace) -> int:
    """Returns 0 when everything is as it must be; raises `CommandError` where it cannot be tried at all."""
    kubernetes = (options.kubernetes or ROOT / ".reel" / "kubernetes").resolve()
    images = (options.data or ROOT / ".reel" / "images").resolve()
    images.mkdir(parents=True, exist_ok=True)
    try:
        outside.require_tools()
        programs = outside.provide_kubernetes(kubernetes, _say)
        stand_ins = outside.provide_images(images, _say)
    except CannotRun as error:
        raise CommandError(f"the cluster cannot be tried here: {error}") from None
    print("\n".join(bases.describe(stand_ins)), flush=True)
    kubectl = str(Path(sys.executable).with_name("kubectl"))
    return outside.run_inside(programs, kubectl, images, images / "cluster")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
