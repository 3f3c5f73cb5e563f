"""Promise 3 for the stack on one machine: all of it ends with its supervisor, and started again it goes on."""

import pytest

from infra.chaos.processes import alive, command_of
from infra.chaos.site import Site
from tests.support.running import Running
from tests.support.sites import QUIET, account, holder
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_all_programs_end_with_their_supervisor_and_the_job_goes_on_when_it_is_started_again(site: Site) -> None:
    job = Running(site.url).generate(scenes=[{"show": "a forest", "duration": 8}], **QUIET)
    eventually(lambda: holder(site, job, "segment"))
    eventually(lambda: "ffmpeg" in " ".join(map(command_of, site.processes())))
    assert {"redis", "s3", "front", "api", "renderer"} <= site.programs().keys()
    site.kill_supervisor()
    eventually(lambda: [pid for pid in site.processes() if alive(pid)] == [])
    site.start_again()
    account(site, [job])
