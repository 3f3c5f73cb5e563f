"""The lines of the logs: dated, with the fields that are known, and without secrets."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from common.logs import QUIET, about, line_of, set_up_logs
from common.settings import BadSetting, Settings

DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
log = logging.getLogger("renderer.test")


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Logging is as it was before, whatever a test sets up."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, {name: logging.getLogger(name).level for name in QUIET}
    yield
    root.handlers[:], level, levels = before
    root.setLevel(level)
    for name, number in levels.items():
        logging.getLogger(name).setLevel(number)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_of_text_is_dated_and_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("renderer", Settings())
    log.info("begins")
    with about(job="job_1", step="mix"), about(attempt=2):
        log.warning("%s failed", "mix")
    log.info("ends")
    first, second, third = told(capsys)
    assert re.fullmatch(f"{DATE} INFO    renderer begins", first)
    assert re.fullmatch(rf"{DATE} WARNING renderer \[job_1 mix 2\] mix failed", second)
    assert re.fullmatch(f"{DATE} INFO    renderer ends", third)


def test_as_json_a_line_is_an_object_even_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("renderer", replace(Settings(), log_format="json", s3_secret_key="geheimnis"))
    with about(job="job_1", step="mix", attempt=2):
        try:
            raise ValueError("geheimnis\nand more")
        except ValueError:
            log.exception("it broke:\n%s", "geheimnis")
    (line,) = told(capsys)
    found: dict[str, Any] = json.loads(line)
    assert re.fullmatch(DATE, found.pop("time"))
    assert "ValueError: ***\nand more" in found.pop("traceback")
    assert found == {
        "level": "ERROR",
        "service": "renderer",
        "logger": "renderer.test",
        "message": "it broke:\n***",
        "job": "job_1",
        "step": "mix",
        "attempt": 2,
    }


def test_celery_does_not_tell_every_step_again(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("renderer", Settings())
    logging.getLogger("celery.worker.strategy").info("Task received")
    logging.getLogger("celery.app.trace").info("Task succeeded")
    logging.getLogger("celery.app.trace").error("Task raised unexpected")
    assert [line.partition("renderer ")[2] for line in told(capsys)] == ["Task raised unexpected"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_program_without_a_logger_writes_the_same_lines(form: str) -> None:
    line = line_of("supervisor", form, "redis is gone")
    assert re.search(DATE, line)
    assert "supervisor" in line
    assert (json.loads(line)["message"] == "redis is gone") if form == "json" else line.endswith(" redis is gone")


def test_a_form_that_there_is_not_is_named() -> None:
    with pytest.raises(BadSetting, match="LOG_FORMAT must be one of text, json"):
        Settings.from_env({"LOG_FORMAT": "xml"})
