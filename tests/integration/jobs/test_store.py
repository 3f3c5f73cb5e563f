"""The scripts against a real Redis: one winner, no ghosts, no write twice."""

import json
import threading

import pytest
import redis

from common.contracts.base import ObjectRef
from common.contracts.job import BATCH, INTERACTIVE, LANES, REGENERATE, Change, Failure, Job, Pins, WorkerInfo
from common.errors import InvalidRequest
from common.jobs.claims import Claim
from common.jobs.reopening import Revision
from common.jobs.scripts import StateUnavailable
from common.jobs.store import JobStore
from common.jobs.wishes import KeyReused, Limits, NewJob, TooManyJobs
from tests.support.asking import active_count, awaits_archive, dispatch
from tests.support.redis_server import RedisServer

REQUEST = ObjectRef(key="local/request/a/b", sha256="0" * 64, size=1, media_type="application/json")
FAILURE = Failure(code="failed", message="no")


def new(job_id: str, **more: object) -> NewJob:
    return NewJob(job_id, REQUEST, 60, **more)  # type: ignore[arg-type]


def make(store: JobStore, job_id: str = "job_1", owner: str = "local", key: str = "", **more: object) -> Job:
    """A job that has been let in."""
    store.create(owner, [new(job_id, **more)], answer=job_id, request_key=key, request_digest="d")
    store.admit(0)
    return load(store, job_id)


def load(store: JobStore, job_id: str = "job_1") -> Job:
    job = store.load(job_id)
    assert job is not None
    return job


def change(**more: object) -> Change:
    fields: dict[str, object] = {"head": {}, "steps": {}, "ready": {}, "unready": {}, "events": (), "look": 2**52}
    return Change(**(fields | more))  # type: ignore[arg-type]


def ready(store: JobStore, job: Job, *names: str, queue: str = "render", **fields: object) -> Job:
    patch = {"state": "ready", "work": "w", "not_before": 0, "done": 0, "facts": "", "failure": "", "attempt": 0}
    patches = {name: {**patch, "work": f"work of {name}", **fields} for name in names}
    specs = dict.fromkeys(names, '{"spec":1}')
    assert store.save(job, change(steps=patches, ready=dict.fromkeys(names, queue), specs=specs))
    return load(store, job.id)


def end(store: JobStore, job_id: str = "job_1", state: str = "completed", **more: object) -> Job:
    job = load(store, job_id)
    ending = more.pop("ending", None)
    assert store.save(job, change(head={"state": state, "finished": 7}, **more), ending)  # type: ignore[arg-type]
    return load(store, job_id)


def claim(store: JobStore, step: str = "mix", nonce: str = "n", job: str = "job_1", **more: object) -> Claim | str:
    fields = {"worker": "w", "lease": 5.0, "queue": "render", "toolchains": [""]} | more
    return store.claim(job, step, nonce=nonce, **fields)  # type: ignore[arg-type]


def held(store: JobStore, step: str = "mix", **more: object) -> Claim:
    got = claim(store, step, **more)  # type: ignore[arg-type]
    assert isinstance(got, Claim), got
    return got


def archived(store: JobStore, job_id: str = "job_1") -> None:
    assert store.archived(job_id, load(store, job_id).rev, 60.0)


def test_a_new_job_is_due_at_once_and_has_its_first_event(store: JobStore) -> None:
    job = make(store, title="Sunset", metadata={"a": [1, {}]})
    assert (job.state, job.title, job.metadata, job.request) == ("queued", "Sunset", {"a": [1, {}]}, REQUEST)
    assert job.deadline - job.started == 60_000
    assert store.take_due(10, 5.0) == ["job_1"]
    assert [(event.seq, event.type, event.data) for event in store.events("job_1")] == [(1, "job", {"state": "queued"})]
    assert job.versions[1].cause == "request"


def test_an_idempotency_key_makes_one_job_also_in_a_race(store: JobStore) -> None:
    made = []

    def post(number: int) -> None:
        name = f"job_{number}"
        made.append(store.create("local", [new(name)], answer=name, request_key="k", request_digest="d"))

    threads = [threading.Thread(target=post, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.answer for one in made}) == 1
    assert sum(not one.replayed for one in made) == 1
    assert len(store.jobs("local", "", 100)) == 1


def test_a_key_with_another_body_is_refused_and_another_owner_has_keys_of_its_own(store: JobStore) -> None:
    make(store, key="k")
    with pytest.raises(KeyReused):
        store.create("local", [new("job_2")], answer="job_2", request_key="k", request_digest="other")
    again = store.create("else", [new("job_3")], answer="job_3", request_key="k", request_digest="d")
    assert not again.replayed


def test_one_of_many_claimants_gets_the_step(store: JobStore) -> None:
    ready(store, make(store), "mix")
    got = []
    threads = [threading.Thread(target=lambda n=n: got.append(claim(store, nonce=str(n)))) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, Claim) for one in got) == 1
    assert {one for one in got if isinstance(one, str)} == {"not_ready"}


def test_a_claim_sent_twice_is_one_claim(store: JobStore) -> None:
    ready(store, make(store), "mix")
    assert held(store, nonce="same") == held(store, nonce="same")


def test_a_claim_is_the_last_when_nothing_else_waits_in_the_queue(store: JobStore) -> None:
    ready(store, make(store), "segment:s1.0")
    ready(store, make(store, "job_2"), "scene:s1")
    assert not held(store, "segment:s1.0").last
    assert held(store, "scene:s1", job="job_2").last


@pytest.mark.parametrize("hinted", [False, True])
def test_what_is_soon_done_may_wait_beside_the_last(store: JobStore, hinted: bool) -> None:
    ready(store, make(store), "mix")
    ready(store, load(store), "segment:s1.0")
    if hinted:
        assert len(store.dispatch({"render": 2}, 60.0)) == 2
    assert held(store, "segment:s1.0").last


@pytest.mark.parametrize("hinted", [False, True])
def test_behind_what_is_soon_done_nothing_is_overlooked(store: JobStore, hinted: bool) -> None:
    for name in ("mix", "segment:s1.0", "segment:s2.0"):
        ready(store, load(store) if store.load("job_1") else make(store), name)
    if hinted:
        assert len(store.dispatch({"render": 3}, 60.0)) == 3
    assert not held(store, "segment:s1.0").last
    assert held(store, "segment:s2.0").last


def test_a_claim_is_not_the_last_while_steps_of_its_kind_are_to_come(store: JobStore) -> None:
    waiting = {name: {"state": "waiting"} for name in ("segment:s2.0", "segment:s3.0", "assemble")}
    assert store.save(make(store), change(steps=waiting))
    ready(store, load(store), "segment:s1.0")
    assert not held(store, "segment:s1.0").last
    ready(store, load(store), "mix")
    assert held(store, "mix").last, "segments are of another kind"
    ready(store, load(store), "segment:s2.0")
    assert not held(store, "segment:s2.0").last
    ready(store, load(store), "segment:s3.0")
    assert held(store, "segment:s3.0").last, "the assembly waits, but is of another kind"


def test_steps_to_come_in_another_job_are_nobody_elses(store: JobStore) -> None:
    assert store.save(make(store, "job_2"), change(steps={"segment:s1.0": {"state": "waiting"}}))
    ready(store, make(store), "segment:s1.0")
    assert held(store, "segment:s1.0").last


def test_the_head_of_a_record_from_before_tells_of_no_steps_to_come(store: JobStore) -> None:
    assert store.save(make(store), change(steps={"segment:s2.0": {"state": "waiting"}}))
    ready(store, load(store), "segment:s1.0")
    head = json.loads(store.scripts.client.hget("job:job_1", "head"))
    assert head.pop("waiting") == "segment"
    before = json.dumps(head)
    store.scripts.client.hset("job:job_1", "head", before)
    assert store.save(load(store), change())
    assert store.scripts.client.hget("job:job_1", "head") == before, "a look that changes nothing does not write it"
    assert held(store, "segment:s1.0").last


def test_a_step_is_not_claimed_before_its_time_or_with_another_build_or_after_cancel(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    assert claim(store, toolchains=["b2"]) == "other_build"
    job = ready(store, job, "mix", not_before=store.now() + 60_000)
    assert claim(store) == "not_ready"
    store.wish_cancel("job_1")
    assert claim(store) == "called_off"
    assert claim(store, job="job_9") == "gone"


def test_tokens_grow_and_a_stale_holder_is_refused(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    old = held(store, nonce="a")
    job = store.load("job_1") or job
    ready(store, job, "mix", attempt=1)  # what a decision does when the lease has run out
    new = held(store, nonce="b")
    assert new.token > old.token
    assert new.attempt == 2
    assert store.beat(old, 5.0, 0.5) == "lost"
    assert store.commit(old, "{}", 60) == "lost"
    assert not store.fail(old, FAILURE)
    assert store.commit(new, '{"list":[],"object":{}}', 60) == "ok"
    job = store.load("job_1") or job
    assert job.steps["mix"].facts == '{"list":[],"object":{}}'


def test_reports_sent_twice_count_once(store: JobStore) -> None:
    ready(store, make(store), "mix", "assemble")
    mix, assemble = held(store, "mix"), held(store, "assemble")
    assert store.commit(mix, "{}", 60) == "ok"
    assert store.fail(assemble, FAILURE)
    before = store.latest_events("job_1", 100)
    assert store.commit(mix, "{}", 60) == "ok"
    assert store.fail(assemble, FAILURE)
    assert store.latest_events("job_1", 100) == before


def test_the_first_result_of_a_work_is_the_result(store: JobStore) -> None:
    ready(store, make(store), "mix", work="same")
    ready(store, make(store, "job_2"), "mix", work="same")
    first, second = held(store, job="job_1"), held(store, job="job_2")
    assert store.commit(first, '"first"', 60) == "ok"
    assert store.commit(second, '"second"', 60) == "known"
    job = store.load("job_2")
    assert job is not None
    assert job.steps["mix"].facts == '"first"'
    assert store.known_work("local", ["same", "none"]) == {"same": '"first"', "none": None}
    assert store.known_work("else", ["same"]) == {"same": None}


def test_what_is_not_to_be_shared_is_not_known_to_other_jobs(store: JobStore) -> None:
    ready(store, make(store), "mix", work="same")
    assert store.commit(held(store), '"makeshift"', 0) == "ok"
    assert store.known_work("local", ["same"]) == {"same": None}
    job = store.load("job_1")
    assert job is not None
    assert job.steps["mix"].facts == '"makeshift"'


def test_a_beat_renews_the_lease_tells_of_cancel_and_leaves_the_revision(store: JobStore) -> None:
    ready(store, make(store), "mix")
    mix = held(store, lease=1.0)
    job = store.load("job_1")
    assert job is not None
    assert store.beat(mix, 30.0, 0.4) == "ok"
    after = store.load("job_1")
    assert after is not None
    assert after.rev == job.rev
    assert after.steps["mix"].lease > job.steps["mix"].lease + 20_000
    assert after.steps["mix"].progress == 0.4
    assert store.beat(mix, 30.0, 0.2) == "ok"
    assert (store.load("job_1") or after).steps["mix"].progress == 0.4
    store.wish_cancel("job_1")
    assert store.beat(mix, 30.0, 0.5) == "called_off"


def test_a_decision_about_a_step_that_has_moved_meanwhile_is_not_saved(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    held(store)
    assert not store.save(job, change(steps={"mix": {"state": "waiting"}}))
    assert load(store).steps["mix"].state == "running"


@pytest.mark.parametrize("wrong", [{"steps": {"mix": {"state": "failed"}}}, {"head": {"state": "done"}}])
def test_a_move_that_the_tables_do_not_have_is_refused_and_nothing_is_written(
    store: JobStore, wrong: dict[str, object]
) -> None:
    job = ready(store, make(store), "mix")
    record = store.record("job_1")
    with pytest.raises(redis.ResponseError, match="there is no move from"):
        store.save(job, change(**wrong))
    assert store.record("job_1") == record


def test_a_decision_is_saved_although_another_step_moved_and_the_job_is_due_again_at_once(store: JobStore) -> None:
    job = ready(store, make(store), "mix", "assemble")
    store.commit(held(store, "mix"), "{}", 60)
    store.take_due(9, 60.0)
    assert store.save(job, change(steps={"assemble": {"state": "waiting"}}))
    after = load(store)
    assert (after.steps["mix"].state, after.steps["assemble"].state) == ("done", "waiting")
    assert store.take_due(9, 60.0) == ["job_1"]


@pytest.mark.parametrize("meanwhile", ["commit", "cancel", "decision", "version"])
def test_no_job_is_ended_by_a_decision_that_did_not_see_everything(store: JobStore, meanwhile: str) -> None:
    job = ready(store, make(store), "mix")
    if meanwhile == "commit":
        store.commit(held(store, "mix"), "{}", 60)
    elif meanwhile == "cancel":
        store.wish_cancel("job_1")
    elif meanwhile == "decision":
        assert store.save(job, change(head={"pins": "{}"}))
    else:
        assert store.save(job, change(head={"storyboard": REQUEST.model_dump_json()}))
        assert store.revise("job_1", 1, Revision("edit", REQUEST)) == "ok"
    assert not store.save(job, change(head={"state": "failed"}))
    assert load(store).state == "queued"


def test_a_save_without_a_change_only_moves_the_next_look(store: JobStore) -> None:
    job = make(store)
    assert store.save(job, change())
    loaded = store.load("job_1")
    assert loaded is not None
    assert loaded.rev == job.rev
    assert store.take_due(10, 1.0) == []


def test_an_ended_job_is_looked_at_no_more_and_its_steps_are_nobodys(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    mix = held(store)
    job = store.load("job_1") or job
    patch = {"mix": {"state": "skipped"}}
    assert store.save(job, change(head={"state": "cancelled"}, steps=patch, unready={"mix": "render"}))
    assert store.take_due(10, 1.0) == []
    assert store.revive() == 0
    assert store.commit(mix, "{}", 60) == "lost"
    assert store.beat(mix, 1.0, 0.5) == "lost"


def test_a_job_that_lost_its_next_look_is_revived(store: JobStore) -> None:
    make(store)
    store.scripts.client.delete("due")
    assert store.take_due(10, 1.0) == []
    assert store.revive() == 1
    assert store.take_due(10, 1.0) == ["job_1"]


@pytest.mark.parametrize("lost", [["job_1"], ["job_1", "job_2"]])
def test_jobs_without_a_next_look_are_noticed(store: JobStore, lost: list[str]) -> None:
    make(store)
    make(store, "job_2")
    assert not store.overlooked()
    store.scripts.client.zrem("due", *lost)
    assert store.overlooked()
    store.revive()
    assert not store.overlooked()


def test_a_taken_job_is_held_for_its_taker(store: JobStore) -> None:
    make(store)
    assert store.take_due(10, 30.0) == ["job_1"]
    assert store.take_due(10, 30.0) == []


def test_hints_take_turns_between_owners_and_jobs(store: JobStore) -> None:
    ready(store, make(store, "big", "a"), *(f"segment:s{n}.0" for n in range(8)))
    ready(store, make(store, "small", "a"), "segment:s1.0")
    ready(store, make(store, "other", "b"), "segment:s1.0", "segment:s2.0")
    picked = [job for job, _ in dispatch(store, "render", 5, 60.0)]
    assert picked.count("other") == 2
    assert picked.count("small") == 1
    assert picked.count("big") == 2


def test_turns_are_remembered_between_dispatches(store: JobStore) -> None:
    ready(store, make(store, "one"), *(f"segment:s{n}.0" for n in range(4)))
    ready(store, make(store, "two"), *(f"segment:s{n}.0" for n in range(4)))
    order = [dispatch(store, "render", 1, 60.0)[0][0] for _ in range(6)]
    assert order in (["one", "two"] * 3, ["two", "one"] * 3)


def test_a_stream_of_new_jobs_does_not_keep_an_old_one_waiting(store: JobStore) -> None:
    ready(store, make(store, "zz"), *(f"segment:s{n}.0" for n in range(9)))
    dispatch(store, "render", 1, 60.0)
    picked = []
    for number in range(8):
        ready(store, make(store, f"a{number}"), "segment:s1.0")
        picked += [job for job, _ in dispatch(store, "render", 1, 60.0)]
    assert picked.count("zz") >= 2  # its fair share, while one new job comes for each step that is done


def test_who_became_ready_first_is_hinted_first(store: JobStore) -> None:
    job = ready(store, make(store), "segment:s9.0")
    before = store.now()
    while store.now() <= before:
        pass
    ready(store, job, "segment:s1.0")
    assert [step for _, step in dispatch(store, "render", 2, 60.0)] == ["segment:s9.0", "segment:s1.0"]


def test_the_mix_has_its_turn_after_the_segments_of_its_job(store: JobStore) -> None:
    ready(store, make(store), "mix")
    ready(store, load(store), "segment:s1.0")
    ready(store, make(store, "job_2"), "mix")
    picked = dispatch(store, "render", 9, 60.0)
    assert [step for job, step in picked if job == "job_1"] == ["segment:s1.0", "mix"]
    assert picked[1] == ("job_2", "mix"), "other jobs do not wait for that"


def test_edits_and_single_jobs_are_served_before_a_batch_which_is_never_left_out(store: JobStore) -> None:
    for lane in LANES:
        ready(store, make(store, lane, lane=lane), *(f"segment:s{n}.0" for n in range(20)))
    picked = [job for job, _ in dispatch(store, "render", 18, 60.0)]
    counts = {lane: picked.count(lane) for lane in LANES}
    assert counts[BATCH] in (2, 3), counts
    assert abs(counts[INTERACTIVE] - counts[REGENERATE]) <= 1, counts


def test_a_flood_of_one_owner_does_not_keep_another_waiting(store: JobStore) -> None:
    for number in range(30):
        ready(store, make(store, f"a{number}", "flood"), *(f"segment:s{n}.0" for n in range(5)))
    dispatch(store, "render", 20, 60.0)
    ready(store, make(store, "single", "quiet"), "mix")
    assert "single" in [job for job, _ in dispatch(store, "render", 2, 60.0)]


def test_a_hint_that_met_another_build_goes_back(store: JobStore) -> None:
    ready(store, make(store), "mix", needs="1/b1")
    assert dispatch(store, "render", 1, 60.0)
    before = store.scripts.client.zscore("later:render", "interactive/local/job_1/mix")
    assert claim(store, toolchains=["1/b2"]) == "other_build"
    assert store.scripts.client.zscore("later:render", "interactive/local/job_1/mix") < before
    assert held(store, toolchains=["1/b2", "1/b1"]).toolchain == "1/b1"
    assert held(store, toolchains=["1/b2", "1/b1"]).toolchain == "1/b1", "asked again"


def test_a_hint_is_not_given_again_before_its_time_and_never_after_the_claim(store: JobStore) -> None:
    ready(store, make(store), "mix", "assemble")
    assert len(dispatch(store, "render", 9, 60.0)) == 2
    assert dispatch(store, "render", 9, 60.0) == []
    for step in ("mix", "assemble"):
        store.scripts.client.zadd("later:render", {f"interactive/local/job_1/{step}": 0})
    held(store, "mix")
    assert dispatch(store, "render", 9, 0.0) == [("job_1", "assemble")]
    store.scripts.client.delete("later:render")
    assert store.save(load(store), change(ready={"assemble": "render"})), "a look repairs a lost entry"
    assert dispatch(store, "render", 9, 60.0) == [("job_1", "assemble")]


@pytest.mark.parametrize(
    "lost",
    [
        "ready:render",
        "ready:render:interactive",
        "ready:render:interactive:local",
        "ready:render:interactive:local:job_1",
        "turn:render",
    ],
)
def test_a_ring_that_got_lost_is_made_again_and_harms_nobody(store: JobStore, lost: str) -> None:
    job = ready(store, make(store), "mix")
    ready(store, make(store, "job_2", "other", lane=BATCH), "mix")
    store.scripts.client.delete(lost)
    dispatch(store, "render", 9, 60.0)
    store.scripts.client.delete("later:render")
    for name in ("job_1", "job_2"):
        assert store.save(load(store, name), change(ready={"mix": "render"}))
    assert sorted(dispatch(store, "render", 9, 60.0)) == [("job_1", "mix"), ("job_2", "mix")], job.id


def test_a_step_that_must_pause_is_hinted_when_its_time_has_come(store: JobStore) -> None:
    ready(store, make(store), "mix", not_before=store.now() + 60_000)
    assert dispatch(store, "render", 9, 60.0) == []
    store.scripts.client.zadd("later:render", {"interactive/local/job_1/mix": store.now()})
    assert dispatch(store, "render", 9, 60.0) == [("job_1", "mix")]


def test_an_empty_ring_leaves_no_keys_behind(store: JobStore) -> None:
    ready(store, make(store), "mix")
    dispatch(store, "render", 9, 60.0)
    store.commit(held(store), "{}", 60)
    assert not store.scripts.client.keys("ready:*")
    assert store.scripts.client.zcard("later:render") == 0


# -- the spec of a step


def test_the_spec_comes_with_the_claim_and_is_gone_when_the_step_is_done(store: JobStore) -> None:
    ready(store, make(store), "mix")
    mix = held(store)
    assert mix.spec == '{"spec":1}'
    store.commit(mix, "{}", 60)
    assert store.scripts.client.hlen("job:job_1:spec") == 0


def test_a_step_whose_spec_is_gone_is_handed_back_to_the_decision(store: JobStore) -> None:
    ready(store, make(store), "mix")
    store.scripts.client.delete("job:job_1:spec")
    assert claim(store) == "no_spec"
    assert load(store).steps["mix"].state == "waiting"
    assert store.take_due(9, 1.0) == ["job_1"]


def test_a_released_step_is_ready_at_once_and_nothing_is_counted(store: JobStore) -> None:
    ready(store, make(store), "mix")
    dispatch(store, "render", 9, 60.0)
    mix = held(store)
    assert store.release(mix)
    assert store.release(mix), "the same call came twice"
    step = load(store).steps["mix"]
    assert (step.state, step.attempt, step.losses) == ("ready", 0, 0)
    assert dispatch(store, "render", 9, 60.0) == [("job_1", "mix")]
    assert store.commit(mix, "{}", 60) == "lost"
    assert held(store, nonce="other").token > mix.token


def test_a_worker_seen_dying_loses_its_lease_at_once_and_nobody_else_does(store: JobStore) -> None:
    ready(store, make(store), "mix", "assemble")
    held(store, "mix", worker="host:1", lease=600.0)
    held(store, "assemble", worker="host:2", lease=600.0)
    assert store.lost("job_1", "mix", "host:1")
    assert not store.lost("job_1", "assemble", "host:1")
    steps, now = load(store).steps, store.now()
    assert steps["mix"].lease <= now < steps["assemble"].lease


# -- admission and limits


def test_only_so_many_jobs_of_a_lane_run_at_once_and_owners_take_turns(store: JobStore) -> None:
    for number in range(3):
        store.create("a", [new(f"a{number}")], answer="")
    store.create("b", [new("b0")], answer="")
    store.create("a", [new("c0", lane=BATCH)], answer="")
    assert store.admit(2) == 3
    assert {name for name in ("a0", "a1", "a2", "b0", "c0") if load(store, name).started} == {"a0", "b0", "c0"}
    assert sorted(store.take_due(9, 60.0)) == ["a0", "a1", "a2", "b0", "c0"], "everybody is looked at once"
    end(store, "b0")
    assert store.admit(2) == 1
    assert load(store, "a1").started
    assert store.admit(2) == 0


def test_a_job_that_ends_before_it_was_let_in_leaves_the_queue(store: JobStore) -> None:
    store.create("local", [new("job_1")], answer="")
    end(store, state="cancelled")
    assert store.admit(0) == 0
    assert not store.scripts.client.keys("ready:*")
    assert active_count(store, "local") == 0


def test_limits_refuse_all_jobs_of_a_call_or_none(store: JobStore) -> None:
    few = Limits(waiting=3, of_owner=5)
    store.create("a", [new("a0"), new("a1")], answer="", limits=few)
    with pytest.raises(TooManyJobs) as full:
        store.create("b", [new("b0"), new("b1")], answer="", limits=few)
    assert full.value.scope == "server"
    assert store.jobs("b", "", 9) == []
    store.admit(0)
    store.create("a", [new("a2"), new("a3"), new("a4")], answer="", limits=few)
    store.admit(0)
    with pytest.raises(TooManyJobs) as full:
        store.create("a", [new("a5")], answer="", limits=few)
    assert full.value.scope == "owner"
    end(store, "a0")
    store.create("a", [new("a5")], answer="", limits=few)


# -- wishes


def test_a_resumed_job_keeps_what_is_done_and_gets_fresh_attempts_for_the_rest(store: JobStore) -> None:
    job = ready(store, make(store), "mix", "assemble", "publish", attempt=2)
    store.commit(held(store, "mix"), "{}", 60)
    store.fail(held(store, "assemble"), FAILURE)
    assert store.resume("job_1") == "not_ended"
    end(store, state="failed", steps={"publish": {"state": "skipped"}}, ending={"state": "failed"})
    assert store.resume("job_1") == "unarchived"
    archived(store)
    assert store.resume("job_1") == "ok"
    job = load(store)
    assert (job.state, job.started, job.finished, job.failure, job.version) == ("queued", 0, 0, None, 1)
    assert {name: (step.state, step.attempt) for name, step in job.steps.items()} == {
        "mix": ("done", 3),
        "assemble": ("waiting", 0),
        "publish": ("waiting", 0),
    }
    assert job.deadline > store.now()
    assert store.admit(1) == 1
    end(store)
    assert store.resume("job_1") == "completed"
    assert store.resume("job_2") == "unknown"


def test_a_resumed_job_needs_a_place_like_any_other(store: JobStore) -> None:
    make(store)
    end(store, state="cancelled")
    archived(store)
    make(store, "job_2")
    with pytest.raises(TooManyJobs):
        store.resume("job_1", Limits(of_owner=1))
    assert load(store).state == "cancelled"


def planned(store: JobStore) -> Job:
    assert store.save(make(store), change(head={"storyboard": REQUEST.model_dump_json()}))
    return load(store)


def test_a_new_version_is_made_of_the_one_it_was_meant_for_only(store: JobStore) -> None:
    make(store)
    assert store.revise("job_1", 1, Revision("edit", REQUEST, REQUEST)) == "unplanned"
    store.scripts.client.flushall()
    planned(store)
    assert store.revise("job_9", 1, Revision("edit", REQUEST)) == "unknown"
    other = REQUEST.model_copy(update={"key": "local/edit/a/b"})
    assert store.revise("job_1", 1, Revision("edit", REQUEST, other)) == "ok"
    assert store.revise("job_1", 1, Revision("edit", REQUEST, other)) == "ok", "the same call came twice"
    assert store.revise("job_1", 1, Revision("edit", REQUEST)) == "stale"
    job = load(store)
    assert (job.version, job.base, job.edit, job.storyboard) == (2, REQUEST, other, None)
    assert [(one.number, one.cause, one.state) for one in job.versions.values()] == [
        (1, "request", "superseded"),
        (2, "edit", ""),
    ]


def test_a_version_of_an_ended_job_makes_it_run_again_in_the_lane_of_edits(store: JobStore) -> None:
    planned(store)
    end(store, ending={"state": "completed", "video": REQUEST.model_dump_json(), "seconds": 3.5})
    archived(store)
    facts = '{"chosen":{},"rejected":{}}'
    pins = Pins(pace=1.1, sources=("scenery",))
    assert store.revise("job_1", 1, Revision("restore", REQUEST, pins=pins, cast=facts)) == "ok"
    job = load(store)
    assert (job.state, job.lane, job.pins, job.steps["cast"].facts) == ("queued", REGENERATE, pins, facts)
    assert (job.versions[1].state, job.versions[1].video, job.versions[1].seconds) == ("completed", REQUEST, 3.5)
    assert store.to_archive(9, 1.0) == []
    assert store.admit(1) == 1


def test_versions_asked_for_at_once_get_one_winner(store: JobStore) -> None:
    planned(store)
    got: list[str] = []
    refs = [REQUEST.model_copy(update={"key": f"local/edit/{number}"}) for number in range(12)]

    def ask(ref: ObjectRef) -> None:
        got.append(store.revise("job_1", 1, Revision("edit", REQUEST, ref)))

    threads = [threading.Thread(target=ask, args=(ref,)) for ref in refs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["ok"] + ["stale"] * 11
    assert load(store).version == 2


def test_a_version_that_was_never_planned_can_be_left_for_an_old_one(store: JobStore) -> None:
    planned(store)
    assert store.revise("job_1", 1, Revision("edit", REQUEST, REQUEST)) == "ok"
    assert store.revise("job_1", 2, Revision("edit", REQUEST, REQUEST)) == "unplanned"
    end(store, state="failed")
    archived(store)
    assert store.revise("job_1", 2, Revision("restore", REQUEST)) == "ok"


def test_an_edit_of_a_running_job_gets_its_own_time_and_none_while_it_is_cancelled(store: JobStore) -> None:
    job = planned(store)
    while store.now() <= job.started:
        pass
    assert store.revise("job_1", 1, Revision("restore", REQUEST)) == "ok"
    assert load(store).deadline > job.deadline
    store.wish_cancel("job_1")
    assert store.revise("job_1", 2, Revision("restore", REQUEST)) == "cancelling"


def test_a_resumed_job_forgets_how_often_its_results_were_lost(store: JobStore) -> None:
    ready(store, make(store), "mix", losses=5)
    store.commit(held(store), "{}", 60)
    end(store, state="failed")
    archived(store)
    assert store.resume("job_1") == "ok"
    step = load(store).steps["mix"]
    assert (step.state, step.losses) == ("done", 0)


def test_a_decision_does_not_undo_the_look_that_a_claim_or_a_death_asked_for(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    held(store)
    assert store.save(job, change())
    assert store.take_due(9, 60.0) == ["job_1"], "the lease is looked at, whatever the decision knew"
    job = load(store)
    store.lost("job_1", "mix", "w")
    assert store.save(job, change())
    assert store.take_due(9, 60.0) == ["job_1"]


def test_a_job_that_lost_its_place_gets_it_back(store: JobStore) -> None:
    store.create("local", [new("job_1")], answer="")
    make_keys = store.scripts.client.keys("ready:lobby:*")
    assert make_keys
    store.scripts.client.delete(*make_keys)
    assert store.admit(0) == 0
    store.revive()
    assert store.admit(0) == 1
    store.scripts.client.delete("running:interactive")
    store.revive()
    assert store.scripts.client.smembers("running:interactive") == {"job_1"}


def test_a_lane_that_comes_late_gets_its_share_and_makes_up_for_nothing(store: JobStore) -> None:
    ready(store, make(store, "film"), *(f"segment:s{n}.0" for n in range(120)))
    assert len(dispatch(store, "render", 100, 60.0)) == 100
    ready(store, make(store, "batch", lane=BATCH), *(f"segment:s{n}.0" for n in range(20)))
    picked = [job for job, _ in dispatch(store, "render", 10, 60.0)]
    assert picked.count("film") in (7, 8), picked
    dispatch(store, "render", 200, 60.0)
    assert not store.scripts.client.exists("turn:render"), "when nobody waits, all turns are forgotten"


# -- ended jobs


def test_an_ended_job_is_archived_then_forgotten_and_can_be_put_back(store: JobStore) -> None:
    ready(store, make(store), "mix")
    store.commit(held(store), "{}", 60)
    end(store)
    assert store.to_archive(9, 60.0) == ["job_1"]
    assert awaits_archive(store, "job_1")
    assert not store.forget("job_1")
    fields = store.record("job_1")
    assert fields is not None
    before = load(store)
    assert store.archived("job_1", before.rev, 0.0)
    assert not awaits_archive(store, "job_1")
    assert store.expired(9) == ["job_1"]
    assert store.forget("job_1")
    assert store.load("job_1") is None
    assert store.jobs("local", "", 9) == []
    assert not [key for key in store.scripts.client.keys("*") if "job_1" in key]
    assert store.put_back("job_1", "local", fields)
    assert not store.put_back("job_1", "local", fields)
    assert load(store) == before
    assert store.jobs("local", "", 9) == ["job_1"]


def test_what_changed_after_it_was_archived_is_archived_again(store: JobStore) -> None:
    make(store)
    job = end(store, state="failed")
    archived(store)
    assert store.resume("job_1") == "ok"
    assert not store.archived("job_1", job.rev, 0.0)
    end(store, state="cancelled")
    assert not store.archived("job_1", job.rev, 0.0)
    assert store.to_archive(9, 1.0) == ["job_1"]
    assert store.archived("job_1", load(store).rev, 60.0)
    assert not store.forget("job_1")


def test_a_job_whose_record_is_gone_leaves_every_list(store: JobStore) -> None:
    make(store)
    store.scripts.client.delete("job:job_1")
    store.purge("job_1")
    assert store.revive() == 0
    assert store.take_due(9, 1.0) == []
    assert active_count(store, "local") == 0
    assert not store.scripts.client.exists("owners")


def test_events_are_numbered_without_gaps_and_read_from_any_point(store: JobStore) -> None:
    ready(store, make(store), "mix")
    mix = held(store)
    for tenth in range(1, 10):
        store.beat(mix, 5.0, tenth / 10)
    store.commit(mix, "{}", 60)
    events = store.events("job_1")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert store.events("job_1", after=3) == events[3:]
    assert store.latest_events("job_1", 2) == events[-2:]


def test_jobs_are_listed_newest_first_page_by_page(store: JobStore) -> None:
    for number in range(7):
        make(store, f"job_{number}")
    everything = store.jobs("local", "", 100)
    pages: list[str] = []
    while page := store.jobs("local", pages[-1] if pages else "", 3):
        pages += page
    assert pages == everything == [f"job_{number}" for number in reversed(range(7))]
    assert store.jobs("else", "", 10) == []


def test_workers_live_as_long_as_they_say_so(store: JobStore) -> None:
    store.register(WorkerInfo("r-1", "renderer", 2, {"ffmpeg": "b"}), 60)
    store.register(WorkerInfo("r-2", "renderer", 2, {"ffmpeg": "b"}), -1)
    assert store.workers() == [WorkerInfo("r-1", "renderer", 2, {"ffmpeg": "b"})]
    store.unregister("r-1")
    assert store.workers() == []


def test_toolchains_are_remembered_after_the_worker_is_gone(store: JobStore) -> None:
    store.register(WorkerInfo("r-1", "renderer", 2, {"offers": {"mix": "1/ffmpeg 9", "speak": ["2/x", "2/y"]}}), -1)
    assert store.workers() == []
    seen = store.toolchains_seen()
    assert {kind: list(chains) for kind, chains in seen.items()} == {"mix": ["1/ffmpeg 9"], "speak": ["2/x", "2/y"]}
    assert abs(seen["mix"]["1/ffmpeg 9"] - store.now()) < 60_000


def test_a_full_redis_is_told_as_such_and_nothing_is_half_written(store: JobStore, redis_here: RedisServer) -> None:
    with redis_here.client() as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StateUnavailable):
                make(store)
        finally:
            client.config_set("maxmemory", "0")
    assert store.load("job_1") is None
    assert store.jobs("local", "", 10) == []
    assert make(store).state == "queued"


def test_a_partial_film_stays_a_version_of_its_own_when_the_job_is_resumed(store: JobStore) -> None:
    planned(store)
    film = REQUEST.model_dump_json()
    end(store, state="partial", ending={"state": "partial", "video": film, "seconds": 3.0})
    archived(store)
    assert store.resume("job_1") == "ok"
    job = load(store)
    assert (job.version, job.base, job.edit) == (2, REQUEST, None)
    assert (job.versions[1].state, job.versions[1].video) == ("partial", REQUEST)
    assert job.versions[2].cause == "resume"


def test_more_jobs_at_once_than_there_can_ever_be_room_for_are_a_wrong_request(store: JobStore) -> None:
    with pytest.raises(InvalidRequest) as wrong:
        store.create("a", [new(f"a{number}") for number in range(4)], answer="", limits=Limits(waiting=9, of_owner=3))
    assert wrong.value.field == "requests"
    assert "at most 3" in str(wrong.value)
