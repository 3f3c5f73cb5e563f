"""Promise 1: a job that was answered 202 reaches its end, whatever dies.

These are the long runs; tests/faults/test_chaos.py has the one of every day.
"""

from pathlib import Path

import pytest

from infra.chaos.figures import lines
from infra.chaos.run import Options, run

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("seed", range(1, 21))
def test_every_accepted_job_ends_as_asked(seed: int, tmp_path: Path) -> None:
    report = run(Options(seed=seed, seconds=120, data=tmp_path / "data"))
    print("\n".join(lines(report)))
    assert report.violations == []
