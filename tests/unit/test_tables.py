"""Whatever a contract lists has a row in every table that goes by it. A failure names the table to add to."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import get_args

import pytest

from api.views.scenes import SOURCE_WORDS
from cli import main as command_line
from common.contracts.job import ACTIVE_STATES, JOB_MOVES, STEP_MOVES, TERMINAL
from common.contracts.kinds import STEP_KINDS, kinds_of
from common.contracts.names import Kind
from common.contracts.request import Aspect, CaptionMode, Fit, Fps, Quality, SceneFailure, Source, Style, TransitionKind
from common.contracts.styles import DEFAULTS
from common.settings import Settings
from common.worker.service import Service
from orchestrator import main as orchestrator
from orchestrator.film.profile import BITRATE, CRF
from orchestrator.reconciler import SOURCES
from renderer import main as renderer
from renderer.picture.looks import LOOKS
from renderer.text.design import CAPTIONS, CARDS
from retriever import main as retriever
from retriever.providers.registry import SETUP_HINTS
from whisper_worker import main as whisper_worker
from whisper_worker.tts import ENGINES

ROOT = Path(__file__).resolve().parents[2]
SCENERY = "scenery"
"Needs no set-up, and comes last."


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
        ("SOURCES in orchestrator/reconciler.py", SOURCES, set(get_args(Source)) - {SCENERY}),
        ("SETUP_HINTS in retriever/providers/registry.py", SETUP_HINTS, set(get_args(Source)) - {SCENERY}),
        ("SOURCE_WORDS in api/views/scenes.py", SOURCE_WORDS, {"upload", "url", *get_args(Source)}),
        ("STEP_KINDS in common/contracts/kinds.py", STEP_KINDS, list(Kind)),
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
        ("--footage", ("auto", *get_args(Source))),
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


@pytest.mark.parametrize("service", [module.SERVICE for module in (orchestrator, retriever, whisper_worker, renderer)])
def test_a_service_has_a_handler_for_every_kind_of_step_in_its_queue(service: Service) -> None:
    handlers = service.handlers(Settings())
    wanted = kinds_of(service.queue)
    assert set(handlers) == set(wanted), f"the handlers of {service.name} (tasks.py) must be those of {wanted}"
