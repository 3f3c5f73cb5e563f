"""Settings come from the environment, and `.env.example` tells the truth about all of them."""

from dataclasses import fields
from pathlib import Path

import pytest

from common.settings import BadSetting, Settings
from infra.local import own_settings

ROOT = Path(__file__).resolve().parents[2]


def documented() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def test_every_setting_is_documented_and_nothing_else() -> None:
    names = sorted(field.name.upper() for field in fields(Settings))
    assert sorted(documented()) == names, ".env.example must name every field of Settings, and nothing else"


def test_the_documented_values_are_the_defaults() -> None:
    assert Settings.from_env(documented()) == Settings()


def test_every_documented_setting_has_a_comment_above_its_group() -> None:
    before = ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            assert before, f"nothing is said about {line}"
        before = line


def test_what_is_empty_counts_as_not_set() -> None:
    assert Settings.from_env({"API_PORT": "", "LOG_LEVEL": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("API_PORT", "http", "a whole number"),
        ("JOB_TIMEOUT", "soon", "a number"),
        ("TARGET_RESOLUTION", "1081", "even"),
        ("FFMPEG_PRESET", "fastest", "one of ultrafast, superfast"),
        ("LEASE_SECONDS", "5", "LEASE_SECONDS"),
        ("KEEP_PARTS_SECONDS", "-1", "negative"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str, word: str) -> None:
    with pytest.raises(BadSetting, match=name) as caught:
        Settings.from_env({name: value})
    assert word in str(caught.value)


def test_a_dotenv_file_lies_under_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        '# mine\nPEXELS_API_KEY="abc=="\nexport LOG_LEVEL=DEBUG\nAPI_PORT = 9000\n\nnonsense\n'
    )
    found = own_settings(tmp_path, {"API_PORT": "7000"})
    assert found == {"PEXELS_API_KEY": "abc==", "LOG_LEVEL": "DEBUG", "API_PORT": "7000"}


def test_no_dotenv_file_is_no_matter(tmp_path: Path) -> None:
    assert own_settings(tmp_path, {"A": "b"}) == {"A": "b"}
