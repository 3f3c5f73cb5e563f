"""Whatever a contract lists has a row in every table that goes by it. A failure names the table to add to."""

import argparse
import tomllib
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import pytest

from api.results import views_of
from cli import main as command_line
from common.contracts.job import ACTIVE_STATES, JOB_MOVES, LANES, REGENERATE, STEP_MOVES, TERMINAL
from common.contracts.job_kinds import JOB_KINDS, JobKind, Makes
from common.contracts.kinds import STEP_KINDS, kinds_of
from common.contracts.names import Kind
from common.contracts.request import Aspect, CaptionMode, Fit, Fps, Quality, SceneFailure, Style, TransitionKind
from common.contracts.sources import REQUESTED, SETTINGS, SOURCES
from common.contracts.styles import DEFAULTS
from common.documents import SCHEMAS
from common.settings import Settings
from common.worker.service import Service
from orchestrator import main as orchestrator
from orchestrator.film.profile import BITRATE, CRF
from orchestrator.workflow import WORKFLOWS
from renderer import main as renderer
from renderer.picture.looks import LOOKS
from renderer.text.design import CAPTIONS, CARDS
from retriever import main as retriever
from retriever.providers.registry import FACTORIES
from whisper_worker import main as whisper_worker
from whisper_worker.tts import ENGINES

NOBODY: Any = Mock()
ROOT = Path(__file__).resolve().parents[2]
NOT_PURE = {"main", "collect", "tasks", "reconciler", "cleanup", "job_cache"}
"Modules of the orchestrator that may reach for stores and frameworks."


@pytest.mark.parametrize(
    ("table", "rows", "wanted"),
    [
        ("LOOKS in renderer/picture/looks.py", LOOKS, get_args(Style)),
        ("CAPTIONS in renderer/text/design.py", CAPTIONS, get_args(Style)),
        ("CARDS in renderer/text/design.py", CARDS, get_args(Style)),
        ("DEFAULTS in common/contracts/styles.py", DEFAULTS, get_args(Style)),
        ("STYLES in cli/main.py", command_line.STYLES, get_args(Style)),
        ("TRANSITIONS in cli/main.py", command_line.TRANSITIONS, get_args(TransitionKind)),
        ("CRF in orchestrator/film/profile.py", CRF, get_args(Quality)),
        ("BITRATE in orchestrator/film/profile.py", BITRATE, get_args(Quality)),
        ("FACTORIES in retriever/providers/registry.py", FACTORIES, SOURCES),
        ("STEP_KINDS in common/contracts/kinds.py", STEP_KINDS, list(Kind)),
        ("JOB_KINDS in common/contracts/job_kinds.py", JOB_KINDS, list(JobKind)),
        ("WORKFLOWS in orchestrator/workflow.py", WORKFLOWS, list(JobKind)),
        ("LANES in common/contracts/job.py", LANES, {REGENERATE, *(about.lane for about in JOB_KINDS.values())}),
        ("views_of in api/results.py", views_of(NOBODY), list(Makes)),
        ("SCHEMAS in common/documents.py", SCHEMAS, SCHEMAS.keys() | {about.request for about in JOB_KINDS.values()}),
        ("JOB_MOVES in common/contracts/job.py", JOB_MOVES, {*ACTIVE_STATES, *TERMINAL}),
        ("STEP_MOVES in common/contracts/job.py", STEP_MOVES, set().union(*STEP_MOVES.values())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_has_a_row_for_everything(table: str, rows: Collection[str], wanted: Collection[str]) -> None:
    assert set(rows) == set(wanted), f"{table} must have {sorted(map(str, wanted))}"


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("--aspect", get_args(Aspect)),
        ("--footage", ("auto", *REQUESTED)),
        ("--fit", get_args(Fit)),
        ("--captions", get_args(CaptionMode)),
        ("--quality", get_args(Quality)),
        ("--fps", get_args(Fps)),
        ("--on-failure", get_args(SceneFailure)),
    ],
)
def test_the_command_line_offers_what_a_request_takes(option: str, wanted: Collection[object]) -> None:
    parser = argparse.ArgumentParser()
    command_line._add_make(parser)
    (choices,) = [action.choices for action in parser._actions if option in action.option_strings]
    assert set(choices or ()) == set(wanted), f"{option} in cli/main.py"


def test_the_settings_name_every_speech_engine() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    about = " ".join(lines[: lines.index("SPEECH_ENGINES=")])
    missing = [name for name in ENGINES if name not in about]
    assert not missing, f".env.example must name {missing} above SPEECH_ENGINES"


def test_the_sources_go_by_settings_there_are_and_say_how_to_set_them() -> None:
    assert set(SETTINGS) <= {field.name for field in fields(Settings)}, "settings in common/contracts/sources.py"
    for source in SOURCES.values():
        unsaid = [name for name in source.settings if name.upper() not in source.setup]
        assert not unsaid, f"setup of {source.name} in common/contracts/sources.py must name {unsaid}"


def test_every_module_that_decides_is_held_to_be_pure() -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = [one["source_modules"] for one in about if one["name"] == "Contracts and pure folders stay pure"]
    modules = {path.stem for path in (ROOT / "orchestrator").iterdir() if not path.stem.startswith("_")}
    missing = {f"orchestrator.{name}" for name in modules - NOT_PURE} - set(pure)
    assert not missing, f"source_modules of the pure contract in pyproject.toml must have {sorted(missing)}"


@pytest.mark.parametrize("service", [module.SERVICE for module in (orchestrator, retriever, whisper_worker, renderer)])
def test_a_service_has_a_handler_for_every_kind_of_step_in_its_queue(service: Service) -> None:
    handlers = service.handlers(Settings())
    wanted = kinds_of(service.queue)
    assert set(handlers) == set(wanted), f"the handlers of {service.name} (tasks.py) must be those of {wanted}"
