"""The launcher of programs, with real ones."""

import subprocess

import pytest

from common import launcher


@pytest.mark.parametrize(("small_pages", "said"), [(True, "0"), (False, "1")])
def test_only_a_program_that_is_to_have_small_pages_goes_without_huge_ones(small_pages: bool, said: str) -> None:
    command = launcher.launched(["cat", "/proc/self/status"], small_pages=small_pages, RLIMIT_CPU=10)
    status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"THP_enabled:\t{said}" in status.splitlines()


def test_a_program_has_the_limits_that_are_named() -> None:
    command = launcher.launched(["cat", "/proc/self/limits"], small_pages=True, RLIMIT_CPU=10, RLIMIT_FSIZE=5_000)
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {line[:26].strip(): line[26:].split()[:2] for line in told.splitlines()}
    assert found["Max cpu time"] == ["10", str(10 + launcher.GRACE)]
    assert found["Max file size"][0] == "5000"
    assert found["Max core file size"][0] == "0"
