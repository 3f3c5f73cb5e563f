"""Promise 7 with all services and ffmpeg: messages that come five times give the films that single ones give."""

import random
import re
import sys
from collections.abc import Iterator
from itertools import islice

import pytest

from common.contracts.kinds import parse_facts
from infra.chaos.figures import executions
from infra.chaos.invariants import Stock
from infra.chaos.orders import orders
from infra.chaos.run import small_clip
from infra.chaos.site import Site
from tests.support.five_hints import COPIES
from tests.support.running import Running
from tests.support.sites import account

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

OUTCOME = re.compile(r" of job_[0-9a-f]+: \w+")
"What a worker notes about each hint it has read."


# With the threads of idle slots x264 does not write the same bytes each time.
ALONE = {"RENDER_SLOTS": "1"}


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("speaker"), settings=ALONE) as site:
        yield site


@pytest.fixture(scope="module")
def stutterer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack that sends each hint five times."""
    commands = {"orchestrator": [sys.executable, "-m", "tests.support.five_hints"]}
    with Site(tmp_path_factory.mktemp("stutterer"), commands=commands, settings=ALONE) as site:
        yield site


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_hints_that_come_five_times_change_nothing(speaker: Site, stutterer: Site, count: int) -> None:
    once, often = (make_films(one, count) for one in (speaker, stutterer))
    runs, repeated = executions(often.records)
    assert repeated == 0, "a step was done twice"
    assert hints_read(stutterer) >= COPIES * runs, "the hints did not come five times"
    assert films(often) == films(once)


def make_films(site: Site, count: int) -> Stock:
    running = Running(site.url)
    clip = running.upload(small_clip())
    bodies = islice(orders(random.Random(f"doubled/{count}"), clip), count)
    return account(site, [running.generate(**body) for body in bodies])


def films(stock: Stock) -> list[str]:
    """Checksums of the films, in the order they were asked for."""
    jobs = [record.job for record in stock.records if record.job is not None]
    return [parse_facts("assemble", job.steps["assemble"].facts).media.sha256 for job in jobs]


def hints_read(site: Site) -> int:
    logs = site.plan.folder("logs").glob("*.log")
    return sum(len(OUTCOME.findall(path.read_text())) for path in logs)
