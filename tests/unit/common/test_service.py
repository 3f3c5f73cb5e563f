"""What a service offers, and what it does with hints that come too late."""

import logging
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.exceptions import WorkerLostError
from celery.app.trace import build_tracer
from celery.exceptions import Reject
from celery.worker.request import Request

from common.contracts.job import WorkerInfo
from common.contracts.kinds import STEP_KINDS, toolchain
from common.messaging.app import make_app
from common.messaging.queues import QUEUES
from common.settings import Settings
from common.worker.celery_request import request_class
from common.worker.drain import Drain
from common.worker.runner import worker_name
from common.worker.service import HandedBack, Service, add_task, offers, toolchains
from common.worker.slots import Slots


def about_engine(name: str, version: str) -> dict[str, Any]:
    return {"name": name, "version": version, "voices": []}


def engines(build: str) -> dict[str, Any]:
    return {"ffmpeg": build, "speech": [about_engine("one", "1")]}


def test_between_them_the_services_offer_every_kind_of_step_that_has_a_queue() -> None:
    offered = [kind for queue in QUEUES for kind in toolchains(queue, engines("build"))]
    assert sorted(offered) == sorted(kind for kind, about in STEP_KINDS.items() if about.queue)
    assert toolchains("render", engines("build"))["segment"] != toolchains("render", engines("another"))["segment"]
    assert toolchains("speech", engines("build")) == toolchains("speech", engines(""))


def test_a_worker_with_several_speech_engines_has_a_toolchain_for_each_and_registers_a_list_of_them() -> None:
    two = {"speech": [about_engine("piper", "1.2"), about_engine("espeak-ng", "1.52")]}
    chains = toolchains("speech", two)
    assert chains["speak"] == (toolchain("speak", "piper-1.2"), toolchain("speak", "espeak-ng-1.52"))
    assert offers(chains)["speak"] == list(chains["speak"])


def test_a_single_toolchain_is_registered_as_the_text_that_the_release_before_reads() -> None:
    chains = toolchains("speech", engines("build"))
    registered = offers(chains)
    assert registered["speak"] == toolchain("speak", "one-1")
    assert WorkerInfo("w", "speech", 1, {"offers": registered}).toolchains == chains


def test_a_hint_that_comes_while_the_service_ends_goes_back_to_the_queue() -> None:
    settings, drain = Settings(), Drain()
    app = make_app(settings)
    service = Service("renderer", "render", lambda _: 1, lambda _: {}, lambda _: {})
    add_task(app, service, settings, {}, drain, Slots(1))
    drain.begin(60.0)
    with pytest.raises(Reject) as raised:
        app.tasks[QUEUES["render"].task]("job_1", "mix")
    assert raised.value.requeue


def test_of_a_hint_that_goes_back_no_traceback_is_told_and_of_an_error_one_is(caplog: pytest.LogCaptureFixture) -> None:
    app, traced = make_app(Settings()), logging.getLogger("celery.app.trace")

    def end(error: Exception) -> None:
        raise error

    task = app.task(name="end")(end)
    only = HandedBack()
    traced.addFilter(only)
    try:
        for error in (Reject("draining", requeue=True), ValueError("another")):
            build_tracer(task.name, task, app=app)("id", (error,), {}, request={"delivery_info": {}})
    finally:
        traced.removeFilter(only)
    (told,) = caplog.records
    assert told.exc_info is not None
    assert told.exc_info[0] is ValueError


@pytest.mark.parametrize("event", ["on_failure", "on_timeout"])
def test_a_death_is_told_even_if_the_broker_is_away(monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ConnectionError("the broker is away")

    told: list[tuple[str, str, int]] = []
    monkeypatch.setattr(Request, event, fails)
    of_death = request_class(lambda *death: told.append(death))

    class Hint(of_death):  # type: ignore[misc, valid-type]
        args, worker_pid = ("job_1", "mix"), 42

        def __init__(self) -> None: ...

    arguments: tuple[Any, ...] = (False, 1.0)
    if event == "on_failure":
        arguments = (SimpleNamespace(exception=WorkerLostError("killed")),)
    with pytest.raises(ConnectionError):
        getattr(Hint(), event)(*arguments)
    assert told == [("job_1", "mix", 42)]


def test_the_processes_of_a_service_agree_on_their_names_and_those_of_another_have_others() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, worker_name(os.getpid()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as news:
        assert news.read() == worker_name(child)
    os.waitpid(child, 0)
    another = subprocess.run(
        [sys.executable, "-c", "from common.worker.runner import worker_name; print(worker_name(1))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert another.stdout.strip() != worker_name(1)
