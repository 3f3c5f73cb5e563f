"""The cores that a container leaves us, from files as the kernel writes them."""

from pathlib import Path

import pytest

from common.cores import cores_within, cpu_limit, usable_cores


def tree(folder: Path, files: dict[str, str]) -> tuple[Path, Path]:
    """Where the groups are mounted, and the file of our own groups."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder / "fs", folder / "own"


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"own": "0::/", "fs/cpu.max": "max 100000"}, None),
        ({"own": "0::/", "fs/cpu.max": "150000 100000"}, 1.5),
        ({"own": "0::/a/b", "fs/a/b/cpu.max": "max 100000", "fs/a/cpu.max": "50000 100000"}, 0.5),
        ({"own": "0::/a/b", "fs/a/b/cpu.max": "200000 100000", "fs/a/cpu.max": "400000 100000"}, 2.0),
        ({"own": "0::/docker/of/the/host", "fs/cpu.max": "300000 100000"}, 3.0),
        ({"own": "0::/", "fs/cpu.max": "nonsense"}, None),
        ({"own": "4:cpu,cpuacct:/", "fs/cpu/cpu.cfs_quota_us": "-1", "fs/cpu/cpu.cfs_period_us": "100000"}, None),
        ({"own": "4:cpu,cpuacct:/", "fs/cpu/cpu.cfs_quota_us": "250000", "fs/cpu/cpu.cfs_period_us": "100000"}, 2.5),
        (
            {
                "own": "1:memory:/elsewhere\n4:cpu,cpuacct:/docker/1f",
                "fs/cpu,cpuacct/docker/1f/cpu.cfs_quota_us": "100000",
                "fs/cpu,cpuacct/docker/1f/cpu.cfs_period_us": "50000",
                "fs/cpu,cpuacct/elsewhere/cpu.cfs_quota_us": "1000",
                "fs/cpu,cpuacct/elsewhere/cpu.cfs_period_us": "50000",
            },
            2.0,
        ),
        ({"own": "4:cpu:/", "fs/cpu/cpu.cfs_quota_us": "100000"}, None),
    ],
)
def test_the_least_limit_of_a_process_and_its_parents_counts(
    files: dict[str, str], limit: float | None, tmp_path: Path
) -> None:
    assert cpu_limit(*tree(tmp_path, files)) == limit


@pytest.mark.parametrize(
    ("cores", "limit", "usable"), [(8, None, 8), (8, 2.0, 2), (8, 1.5, 2), (8, 0.1, 1), (2, 16.0, 2)]
)
def test_a_part_of_a_core_counts_as_one_and_none_as_no_less(cores: int, limit: float | None, usable: int) -> None:
    assert cores_within(cores, limit) == usable


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3})
    assert usable_cores() == 1
