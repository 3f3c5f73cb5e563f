"""The table of step kinds, names of steps, and what Redis' scripts are told of them."""

import re

import pytest

from common.contracts.job import ACTIVE_STATES, JOB_MOVES, LANES, STEP_MOVES, TERMINAL
from common.contracts.kinds import (
    DELIVERED,
    LATE,
    NEEDS_BUILD,
    NEEDS_ENGINE,
    STEP_KINDS,
    Per,
    kinds_of,
    tool_of,
    toolchain,
)
from common.contracts.names import ASSEMBLE, CAST, MIX, PLAN, PUBLISH, Kind, StepName
from common.jobs.scripts import constants
from common.messaging.queues import QUEUES


def test_every_kind_has_a_row_with_every_column() -> None:
    assert list(STEP_KINDS) == list(Kind)
    for kind, about in STEP_KINDS.items():
        assert about.queue in ("", *QUEUES), kind
        assert about.recipe > 0, kind
        assert about.weight > 0, kind
        assert about.state in ACTIVE_STATES, kind
        assert bool(about.verb) == bool(about.queue), f"{kind}: what nobody waits for has no word"
        assert about.reuse >= 0, kind
        assert isinstance(about.per, Per), kind


def test_what_others_derive_from_the_table() -> None:
    assert {"segment", "scene", "mix", "assemble"} == NEEDS_BUILD
    assert {"plan", "assemble", "publish"} == DELIVERED
    assert {"mix"} == LATE
    assert kinds_of("retrieve") == ["search", "acquire"]
    assert {"speak"} == NEEDS_ENGINE
    assert toolchain("plan", "b") == str(STEP_KINDS["plan"].recipe)
    assert toolchain("hear", "r-1") == f"{STEP_KINDS['hear'].recipe}/r-1"
    assert toolchain("speak", "e-1") == f"{STEP_KINDS['speak'].recipe}/e-1"
    assert toolchain("mix", "b") == f"{STEP_KINDS['mix'].recipe}/b"
    assert (tool_of(toolchain("mix", "9/b")), tool_of(toolchain("plan"))) == ("9/b", "")


@pytest.mark.parametrize(
    ("name", "text", "kind", "subject", "scene"),
    [
        (StepName.of(Kind.MIX), "mix", "mix", "", ""),
        (StepName.of(Kind.SPEAK, "s3"), "speak:s3", "speak", "s3", "s3"),
        (StepName.of(Kind.ACQUIRE, "s3.1"), "acquire:s3.1", "acquire", "s3.1", "s3"),
        (StepName.of_part(Kind.SEGMENT, "s3", 0), "segment:s3.0", "segment", "s3.0", "s3"),
    ],
)
def test_a_name_is_built_and_read_in_one_form(name: StepName, text: str, kind: str, subject: str, scene: str) -> None:
    assert name == text
    assert (StepName(text).kind, StepName(text).subject, StepName(text).scene) == (kind, subject, scene)
    assert StepName.of(kind, subject) == text
    assert StepName(text).kind is StepName(str(text)).kind, "a memo compares by identity"
    assert (PLAN, CAST, MIX, ASSEMBLE, PUBLISH) == ("plan", "cast", "mix", "assemble", "publish")


def test_scripts_go_by_the_tables_of_the_contracts() -> None:
    tables = dict(re.findall(r"^local (\w+) = (.*)$", constants(), flags=re.M))
    assert tables.keys() == {"TERMINAL", "WEIGHT", "LATE", "QUEUE", "JOB_MOVES", "STEP_MOVES"}
    assert _names(tables["TERMINAL"]) == TERMINAL
    assert _names(tables["LATE"]) == LATE
    queues = {str(kind): about.queue for kind, about in STEP_KINDS.items() if about.queue}
    assert dict(re.findall(r"(\w+) = '(\w+)'", tables["QUEUE"])) == queues
    assert dict(re.findall(r"(\w+) = (\d+)", tables["WEIGHT"])) == {lane: str(share) for lane, share in LANES.items()}
    for table, moves in (("JOB_MOVES", JOB_MOVES), ("STEP_MOVES", STEP_MOVES)):
        rows = re.findall(r"(\w+) = \{([^{}]*)\}", tables[table])
        assert {state: _names(to) for state, to in rows} == {state: set(to) for state, to in moves.items()}
        assert re.search(r"initial = '(\w+)'", tables[table])[1] == ("queued" if table == "JOB_MOVES" else "waiting")  # type: ignore[index]


def _names(table: str) -> set[str]:
    return set(re.findall(r"(\w+) = true", table))
