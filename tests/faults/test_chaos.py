"""A short run of chaos: every kind of job, nearly every kind of fault, all invariants. The long ones are promise 1."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.chaos.disks import small_disk
from infra.chaos.figures import hits, lines
from infra.chaos.network import leftovers
from infra.chaos.processes import marked
from infra.chaos.run import Options, run
from infra.chaos.site import MARK
from tests.support.api_server import ROOT
from tests.support.processes import ctrl_c_works
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SEED = 512
"Its first faults are of nearly every kind."


@pytest.mark.timeout(600)
def test_nothing_is_lost_in_a_short_run_of_chaos(tmp_path: Path) -> None:
    report = run(Options(seed=SEED, seconds=20, data=tmp_path / "data", jobs=5, gap=1.0))
    print("\n".join(lines(report)))
    assert report.violations == []
    assert sum(row.count for row in report.faults.values()) >= 12
    met, aimed = hits(report.faults)
    assert met > aimed / 3, "faults that are aimed at steps do meet one; most of them, where the machine is not busy"
    assert report.faults["supervisor killed"].count == 1
    assert report.outcomes["completed"] >= 3
    assert report.ordered >= 1, "some steps wait for work elsewhere"
    with small_disk(tmp_path / "disk", 1) as may_mount:
        assert report.faults["work disk full"].count == int(may_mount)
        assert report.faults["data disk full"].count == int(may_mount)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="hosts of their own need root")
@pytest.mark.timeout(600)
def test_nothing_is_lost_when_links_between_hosts_are_cut(tmp_path: Path) -> None:
    report = run(Options(seed=19, seconds=60, data=tmp_path / "data", hosts=True))
    print("\n".join(lines(report)))
    assert report.violations == []
    assert sum(row.count for kind, row in report.faults.items() if kind.startswith(("link", "host"))) >= 3
    assert leftovers() == []


def test_ctrl_c_ends_a_run_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    data, said = tmp_path / "data", tmp_path / "said"
    with said.open("wb") as output, ctrl_c_works():
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "chaos", "--seconds", "300", "--seed", "5", "--data", str(data)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "faults in the next 300 s" in said.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 130
    finally:
        process.kill()
        process.wait()
    assert marked(f"{MARK}=", data) == []
    assert not any(map(os.path.ismount, data.iterdir()))
    assert "Traceback" not in said.read_text()
