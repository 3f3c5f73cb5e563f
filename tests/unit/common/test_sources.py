"""The table of footage sources, and what follows from it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from common.contracts.footage import Provenance
from common.contracts.request import VideoRequest
from common.contracts.sources import (
    REQUESTED,
    SCENERY,
    SOURCES,
    UPLOAD,
    URL,
    SourceKind,
    absence,
    by_preference,
    kind_of,
    words_for,
)
from common.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def test_painted_sources_come_last_and_own_media_cannot_be_asked_for() -> None:
    kinds = [source.kind for source in SOURCES.values()]
    assert SourceKind.PAINTED not in kinds[:-1]
    assert kinds[-1] is SourceKind.PAINTED
    assert tuple(name for name in SOURCES if name not in (UPLOAD, URL)) == REQUESTED
    assert [name for name in SOURCES if Provenance(provider=name).own] == ["upload", "url"]


def test_names_come_in_the_order_of_the_table_and_unknown_ones_before_scenery() -> None:
    assert by_preference(["scenery", "folder", "pexels"]) == ("pexels", "folder", "scenery")
    assert by_preference(["scenery", "zoo", "attic", "pexels", "zoo"]) == ("pexels", "attic", "zoo", "scenery")
    assert by_preference([]) == ()


def test_a_source_outside_the_table_has_no_kind_and_words_all_the_same() -> None:
    assert kind_of("attic") is None
    assert words_for("attic") == "found on attic"
    assert words_for("pexels") == "found on Pexels"
    assert not Provenance(provider="attic").own


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pexels", "Pexels is not set up; set PEXELS_API_KEY to a key from pexels.com/api"),
        ("folder", "the clip folder is not set up; set CLIP_FOLDER to a folder of videos and pictures"),
        ("attic", "attic is not set up on this server"),
    ],
)
def test_an_absent_source_is_told_with_the_cure(name: str, sentence: str) -> None:
    assert absence(name) == sentence


def test_a_source_is_set_up_when_its_settings_have_values() -> None:
    assert not SOURCES["pixabay"].is_set_up(Settings())
    assert SOURCES["pixabay"].is_set_up(replace(Settings(), pixabay_api_key="k"))
    assert SOURCES[SCENERY].is_set_up(Settings())


@pytest.mark.parametrize("name", ["upload", "url", "attic", "", "PEXELS"])
def test_a_request_may_name_sources_of_the_table_only(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        VideoRequest.model_validate({"prompt": "Bees", "footage": name})
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("footage", "sources", 0)
    *most, last = map(repr, REQUESTED)
    assert fault["msg"] == f"Value error, must be {', '.join(most)} or {last}"


@pytest.mark.parametrize("name", REQUESTED)
def test_a_request_may_name_every_source_that_can_be_searched(name: str) -> None:
    asked = VideoRequest.model_validate({"prompt": "Bees", "footage": {"sources": [name]}})
    assert asked.footage.sources == (name,)


def test_the_table_is_read_without_pydantic() -> None:
    code = "import sys, cli.main, common.contracts.sources; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
