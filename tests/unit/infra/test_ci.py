"""The workflow of CI against what the repository has: its commands and the Pythons that it supports."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from infra.images import bases

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
CI: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = CI["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
COMMANDS = [step["run"] for step in STEPS if "run" in step]
MATRIX = "${{ matrix.python }}"


def supported() -> list[str]:
    """The Pythons that ./reel takes, the oldest first."""
    for node in ast.parse((ROOT / "reel").read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "SUPPORTED":
            return sorted(f"{major}.{minor}" for major, minor in ast.literal_eval(node.value))
    raise AssertionError("./reel does not say which Pythons it takes")


def test_it_runs_our_commands_in_their_order_and_nothing_else() -> None:
    assert ["./reel test", f"./reel images --python {MATRIX}", "./reel release papers"] == COMMANDS
    assert "./reel test" in (ROOT / ".ci" / "run").read_text(), "one command for everybody who checks a change"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("python", supported())
def test_the_commands_it_runs_exist(
    command: str, python: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(name: str) -> Any:
        return lambda options: ran.append(name) or 0

    monkeypatch.setattr("cli.main._command", run)
    program, *arguments = command.replace(MATRIX, python).split()
    assert (ROOT / program).is_file()
    assert main(arguments) == 0, capsys.readouterr().err
    assert ran == arguments[:1]


def test_every_job_runs_with_each_python_that_we_support() -> None:
    assert list(bases.PYTHONS) == supported()
    for job in JOBS.values():
        assert job["strategy"]["matrix"] == {"python": supported()}
        (setup,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
        assert setup["with"]["python-version"] == MATRIX
    oldest = re.search(r'^requires-python = ">=(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert oldest is not None
    assert oldest[1] == supported()[0]
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {' or '.join(supported())}" in (ROOT / page).read_text(), page


def test_it_may_only_read_and_ends_by_itself() -> None:
    assert CI["permissions"] == {"contents": "read"}
    assert CI["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    for job in JOBS.values():
        assert "permissions" not in job
        assert 0 < job["timeout-minutes"] <= 60
        checkout, *others = job["steps"]
        assert checkout["with"] == {"persist-credentials": False}
        assert all("secrets." not in str(step) for step in others)


def test_actions_are_pinned_to_a_commit_with_its_version_beside_it() -> None:
    used = re.findall(r"^\s+- uses: (.*)$", TEXT, re.M)
    assert len(used) == sum("uses" in step for step in STEPS)
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
