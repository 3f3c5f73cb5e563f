"""Steps that wait, with a real Redis: what the runner reports, tickets that survive, and what is called off."""

import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from common.contracts.base import Contract
from common.contracts.job import DEFERRED, DONE, FAILED, READY, RUNNING, UNKNOWN, WAITING, Change
from common.contracts.later import Later, Unknown
from common.contracts.steps import MixFacts, MixSpec
from common.errors import Retryable
from common.jobs.scripts import StateUnavailable
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.calloffs import GIVE_UP_MS, CallingOff
from common.worker.drain import Drain
from common.worker.runner import StepRunner
from common.worker.steprun import StepRun
from tests.support.ready import FOR_EVER, TOOLCHAINS, load, make_job, make_ready, mix_spec, step_of

Answer = Contract | Later | Unknown
Handle = Callable[[MixSpec, StepRun], Answer]
Run = Callable[..., str]


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def run(quick: Settings, store: JobStore, storage: MemoryStorage) -> Run:
    """Runs the step `mix` of a job with some handler."""
    make_job(store)
    make_ready(store)

    def run(handler: Handle, store: Any = store, drain: Drain | None = None) -> str:
        return str(StepRunner(quick, store, storage, {"mix": handler}, TOOLCHAINS, drain).run("job_1", "mix"))

    return run


def later(spec: MixSpec, run: StepRun) -> Later:
    run.progress(0.25)
    return Later("order 7", 30.0, "the other side is at work")


def done(spec: MixSpec, run: StepRun) -> MixFacts:
    return MixFacts(media=run.keep_bytes("mix", b"sound", "audio/mp4"), loudness=-14.0, true_peak=-1.5)


def listed(store: JobStore) -> list[tuple[str, str, str]]:
    """What is to be called off. It stays listed."""
    entries = map(json.loads, store.scripts.client.zrange("calloff:render", 0, -1))
    return [(one["job"], one["step"], one["ticket"]) for one in entries]


def patched(store: JobStore, **fields: object) -> None:
    """A decision that changes the step."""
    assert store.save(load(store), Change({}, {"mix": fields}, {}, {}, (), FOR_EVER))


def test_a_deferred_step_waits_with_its_ticket_and_holds_nothing(store: JobStore, run: Run, quick: Settings) -> None:
    assert run(later) == "deferred"
    step = step_of(store)
    assert (step.state, step.ticket, step.note) == (DEFERRED, "order 7", "the other side is at work")
    assert (step.lease, step.worker, step.attempt, step.progress) == (0, "", 0, 0.25)
    assert 29_000 < step.not_before - store.now() <= 30_000
    assert run(done) == "not_ready"
    scratch = quick.scratch()
    assert scratch is not None
    assert not list(scratch.iterdir())


def test_the_next_run_finds_the_ticket_and_its_result_ends_it(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state=READY, not_before=0)
    seen = []

    def look(spec: MixSpec, run: StepRun) -> MixFacts:
        seen.append(run.ticket)
        return done(spec, run)

    assert run(look) == "done"
    assert seen == ["order 7"]
    assert (step_of(store).ticket, step_of(store).note, listed(store)) == ("", "", [])


def test_the_events_say_once_what_is_waited_for_and_mark_runs_that_only_look(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state=READY, not_before=0)
    run(later)
    events = [event.data for event in store.events("job_1") if event.data.get("step") == "mix"]
    told = [(data["state"], data.get("message"), data.get("again")) for data in events]
    assert told == [
        ("running", None, None),
        ("deferred", "the other side is at work", None),
        ("running", None, True),
        ("deferred", None, None),
    ]


def test_what_a_run_has_stored_before_it_waits_is_removed(store: JobStore, run: Run, storage: MemoryStorage) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Later:
        run.keep_bytes("mix", b"half", "audio/mp4")
        return later(spec, run)

    run(handler)
    assert list(storage.list("assets")) == []


def test_an_unknown_outcome_is_a_state_of_its_own(store: JobStore, run: Run) -> None:
    assert run(lambda spec, run: Unknown("order 7", 300.0, "it did not answer")) == "unknown"
    assert (step_of(store).state, step_of(store).note) == (UNKNOWN, "it did not answer")


@pytest.mark.parametrize("ticket", ["", "x" * 5_000])
def test_a_ticket_that_is_none_is_a_defect_of_the_handler(store: JobStore, run: Run, ticket: str) -> None:
    assert run(lambda spec, run: Later(ticket, 1.0)) == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert failure.code == "internal_error"


def test_a_ticket_that_is_kept_before_the_work_is_sent_survives_whatever_follows(store: JobStore, run: Run) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Answer:
        run.keep_ticket("key 1")
        assert step_of(store).ticket == run.ticket == "key 1"
        raise Retryable("the line is dead")

    assert run(handler) == "failed"
    assert (step_of(store).state, step_of(store).ticket, listed(store)) == (FAILED, "key 1", [])


def test_a_handler_whose_order_has_failed_takes_its_ticket_away(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state=READY, not_before=0)

    def handler(spec: MixSpec, run: StepRun) -> Answer:
        run.keep_ticket("")
        raise Retryable("the other side has failed")

    assert run(handler) == "failed"
    assert (step_of(store).ticket, listed(store)) == ("", [])


def test_a_report_whose_answer_gets_lost_is_made_twice_and_counts_once(store: JobStore, run: Run) -> None:
    calls = []

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def defer(self, *arguments: Any) -> bool:
            heard = store.defer(*arguments)
            calls.append(heard)
            if len(calls) == 1:
                raise StateUnavailable("the answer got lost")
            return heard

    assert run(later, store=Deaf()) == "deferred"
    assert calls == [True, True]
    states = [event.data["state"] for event in store.events("job_1") if event.data.get("step") == "mix"]
    assert states.count("deferred") == 1


def test_the_ticket_of_a_worker_that_lost_the_step_is_called_off(store: JobStore, run: Run) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Later:
        make_ready(store, spec=mix_spec(frames=60))  # something else is wanted by now
        return Later("order 7", 30.0)

    assert run(handler) == "lost"
    assert listed(store) == [("job_1", "mix", "order 7")]
    assert step_of(store).state == READY


def test_a_frozen_worker_does_not_call_off_the_order_that_another_looks_after(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state=READY, not_before=0)

    def handler(spec: MixSpec, run: StepRun) -> Later:
        patched(store, state=READY)  # its lease is over, and the next one has begun
        assert not isinstance(claimed(store), str)
        return Later("order 7", 30.0)

    assert run(handler) == "lost"
    assert (step_of(store).state, step_of(store).ticket, listed(store)) == (RUNNING, "order 7", [])


def claimed(store: JobStore) -> Any:
    needs = [step_of(store).toolchain]
    return store.claim("job_1", "mix", nonce="n2", worker="w2", lease=5.0, queue="render", toolchains=needs)


def test_an_order_of_a_step_that_was_put_off_meanwhile_is_gone_on_with(store: JobStore, run: Run) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Later:
        run.keep_ticket("key 1")
        patched(store, state="waiting")  # one of its inputs is made anew, and may come out the same
        return Later("key 1, order 7", 30.0)

    assert run(handler) == "lost"
    assert (step_of(store).state, step_of(store).ticket, listed(store)) == (WAITING, "key 1, order 7", [])


def test_a_ticket_that_the_next_holder_may_find_by_itself_is_not_called_off_before_that_one_has_ended(
    store: JobStore, run: Run
) -> None:
    told: list[str] = []
    looking = CallingOff(store, "render", {"mix": lambda spec, ticket, owner: told.append(ticket)})

    def handler(spec: MixSpec, run: StepRun) -> Later:
        patched(store, state=READY)  # it was frozen, and its lease is over
        assert not isinstance(claimed(store), str)
        return Later("order 7", 30.0)

    assert run(handler) == "lost"
    assert looking.look() == 0
    assert (told, listed(store)) == ([], [("job_1", "mix", "order 7")])
    patched(store, state="skipped")
    store.scripts.client.zadd("calloff:render", {store.scripts.client.zrange("calloff:render", 0, 0)[0]: 0})
    assert looking.look() == 1
    assert told == ["order 7"]


def test_an_order_that_fails_again_and_again_is_not_placed_for_ever(store: JobStore, run: Run, quick: Settings) -> None:
    orders = []

    def handler(spec: MixSpec, run: StepRun) -> Answer:
        if not run.ticket:
            orders.append(len(orders))
            return Later(f"order {len(orders)}", 1.0)
        if run.progress(0.1) is None and len(looks := [*seen]) % 2:
            seen.append(len(looks))
            return Later(run.ticket, 1.0)  # a look that finds it at work, in between
        seen.append(len(looks))
        run.keep_ticket("")
        raise Retryable("the other side has failed")

    seen = [0]
    for _ in range(60):
        outcome = run(handler)
        if outcome == "failed" and step_of(store).attempt >= quick.max_attempts:
            break
        patched(store, state=READY, not_before=0)
    assert len(orders) == quick.max_attempts


@pytest.mark.parametrize(
    ("seconds", "least", "most"), [(math.nan, 0, 1), (None, 0, 1), (-5, 0, 1), (math.inf, 600_000, 604_800)]
)
def test_a_time_that_cannot_be_waited_for_costs_no_ticket(
    store: JobStore, run: Run, seconds: Any, least: float, most: float
) -> None:
    assert run(lambda spec, run: Later("order 7", seconds)) == "deferred"
    assert step_of(store).ticket == "order 7"
    assert least <= (step_of(store).not_before - store.now()) / 1000 <= most


def test_after_a_wish_to_cancel_nothing_may_be_sent_any_more(store: JobStore, run: Run) -> None:
    sent = []

    def handler(spec: MixSpec, run: StepRun) -> Answer:
        store.wish_cancel("job_1")
        run.keep_ticket("key 1")
        sent.append(1)
        return Later("key 1", 1.0)

    assert run(handler) == "called_off"
    assert (sent, listed(store)) == ([], [("job_1", "mix", "key 1")])


def test_what_its_holder_may_still_send_is_called_off_when_that_can_be_no_more(store: JobStore, run: Run) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Answer:
        run.keep_ticket("key 1")
        lease = step_of(store).lease
        patched(store, state="skipped")
        ((_, score),) = store.scripts.client.zrange("calloff:render", 0, -1, withscores=True)
        assert score == lease > store.now()
        assert store.take_call_off("render", 1.0) is None
        return done(spec, run)

    assert run(handler) == "lost"


def test_a_kind_of_step_that_nobody_can_call_off_may_not_wait(
    store: JobStore, storage: MemoryStorage, quick: Settings
) -> None:
    make_job(store)
    make_ready(store)
    runner = StepRunner(quick, store, storage, {"mix": later}, TOOLCHAINS, may_wait=())
    assert runner.run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert failure.code == "internal_error"


def test_a_cancel_while_it_looks_calls_off_the_order(store: JobStore, run: Run) -> None:
    def handler(spec: MixSpec, run: StepRun) -> Later:
        store.wish_cancel("job_1")
        while not run.stopped:
            time.sleep(0.01)
        return Later("order 7", 30.0)

    assert run(handler) == "deferred", "so that the end of the job finds it"
    patched(store, state="skipped")
    assert listed(store) == [("job_1", "mix", "order 7")]


def test_a_worker_that_is_to_end_hands_the_step_back_with_its_ticket(store: JobStore, run: Run) -> None:
    drain = Drain()

    def handler(spec: MixSpec, run: StepRun) -> Answer:
        run.keep_ticket("key 1")
        drain.begin(0.0)
        while True:
            run.check()
            time.sleep(0.01)

    assert run(handler, drain=drain) == "released"
    assert (step_of(store).state, step_of(store).ticket) == (READY, "key 1")


# news


def test_news_makes_a_waiting_step_ready_at_once_and_wakes_the_reconciler(store: JobStore, run: Run) -> None:
    run(later)
    store.scripts.client.delete("wake")
    assert not store.rouse("job_1", "mix", "order 8"), "it does not wait for that"
    assert store.rouse("job_1", "mix", "order 7")
    assert (step_of(store).state, step_of(store).not_before) == (READY, 0)
    assert store.scripts.client.exists("wake")
    assert store.dispatch({"render": 1}, 1.0) == [("render", "job_1", "mix")]


@pytest.mark.parametrize("outcome", [Later, Unknown])
def test_news_that_comes_while_the_step_looks_is_not_missed(store: JobStore, run: Run, outcome: Any) -> None:
    run(later)
    patched(store, state=READY, not_before=0)

    def handler(spec: MixSpec, run: StepRun) -> Answer:
        assert store.rouse("job_1", "mix", "order 7")
        answer: Later | Unknown = outcome("order 7", 600.0, "still nothing")
        return answer

    run(handler)
    assert step_of(store).state == DEFERRED
    assert step_of(store).not_before <= store.now()


def test_news_for_a_job_that_has_ended_is_for_nobody(store: JobStore, run: Run) -> None:
    run(later)
    job = load(store)
    assert store.save(job, Change({"state": "failed", "finished": 1}, {"mix": {"state": "skipped"}}, {}, {}, (), 0))
    assert not store.rouse("job_1", "mix", "order 7")


# calling off


def test_what_is_called_off_is_told_with_its_spec_and_forgotten_then(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state="skipped")
    told: list[tuple[Any, str, str]] = []
    looking = CallingOff(store, "render", {"mix": lambda *told_now: told.append(told_now)})
    assert looking.look() == 1
    assert told == [(mix_spec(), "order 7", "local")]
    assert looking.look() == 0
    assert listed(store) == []


def test_the_other_side_is_told_again_when_it_could_not_be_told(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state="skipped")

    def deaf(*_: object) -> None:
        raise Retryable("it does not answer")

    def broken(*_: object) -> None:
        raise KeyError("a defect")

    for caller in (deaf, broken):
        assert CallingOff(store, "render", {"mix": caller}).look() == 0
        store.scripts.client.zadd("calloff:render", {store.scripts.client.zrange("calloff:render", 0, 0)[0]: 0})
    assert listed(store) == [("job_1", "mix", "order 7")]


def test_a_worker_that_dies_just_after_it_has_told_is_followed_by_one_that_tells_again(
    store: JobStore, run: Run
) -> None:
    run(later)
    patched(store, state="skipped")
    told = []

    def dying(*_: object) -> None:
        told.append(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CallingOff(store, "render", {"mix": dying}).look()
    assert CallingOff(store, "render", {"mix": dying}).look() == 0, "not at once: the other may live"
    (entry,) = store.scripts.client.zrange("calloff:render", 0, 0)
    store.scripts.client.zadd("calloff:render", {entry: 0})
    assert CallingOff(store, "render", {"mix": lambda *_: told.append(2)}).look() == 1
    assert told == [1, 2]


def test_an_entry_of_another_release_is_read_as_far_as_it_goes(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state="skipped")
    (entry,) = store.scripts.client.zrange("calloff:render", 0, 0)
    store.scripts.client.delete("calloff:render")
    store.scripts.client.zadd("calloff:render", {json.dumps(json.loads(entry) | {"colour": "blue"}): 0})
    assert CallingOff(store, "render", {"mix": lambda *_: None}).look() == 1


def test_a_ticket_without_a_spec_is_given_up_with_a_line_that_has_it(
    store: JobStore, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"owner": "local", "job": "job_1", "step": "mix", "ticket": "order 7", "at": store.now()}
    store.scripts.client.zadd("calloff:render", {json.dumps(entry): 0})
    assert CallingOff(store, "render", {"mix": lambda *_: None}).look() == 1
    assert "order 7" in caplog.text


def test_after_a_day_nobody_is_told_any_more(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state="skipped")
    entry = store.take_call_off("render", 0.0)
    assert entry is not None
    store.called_off("render", entry)
    old = entry.entry.replace(str(entry.at), str(entry.at - GIVE_UP_MS))
    store.scripts.client.zadd("calloff:render", {old: 0})

    def deaf(*_: object) -> None:
        raise Retryable("it does not answer")

    assert CallingOff(store, "render", {"mix": deaf}).look() == 1
    assert listed(store) == []


def test_a_step_that_reached_its_end_has_nothing_to_call_off(store: JobStore, run: Run) -> None:
    run(later)
    patched(store, state=READY, not_before=0)
    run(done)
    assert step_of(store).state == DONE
    assert listed(store) == []
