"""The scripts against a real Redis: one winner, no ghosts, no write twice."""

import threading

import pytest

from common.contracts.base import ObjectRef
from common.contracts.job import Change, Failure, Job, WorkerInfo
from common.jobs.store import Claim, JobStore, KeyReused, StateUnavailable
from tests.support.redis_server import RedisServer

REQUEST = ObjectRef(key="local/request/a/b", sha256="0" * 64, size=1, media_type="application/json")
FAILURE = Failure(code="failed", message="no")


def make(store: JobStore, job_id: str = "job_1", owner: str = "local", **more: object) -> Job:
    store.create(job_id, owner, request=REQUEST, timeout=60, **more)  # type: ignore[arg-type]
    job = store.load(job_id)
    assert job is not None
    return job


def change(**more: object) -> Change:
    fields: dict[str, object] = {"head": {}, "steps": {}, "ready": {}, "unready": {}, "events": (), "look": 2**52}
    return Change(**(fields | more))  # type: ignore[arg-type]


def ready(store: JobStore, job: Job, *names: str, queue: str = "render", **fields: object) -> Job:
    patch = {"state": "ready", "work": "w", "not_before": 0, "done": 0, "facts": "", "failure": "", "attempt": 0}
    patches = {name: {**patch, "work": f"work of {name}", **fields} for name in names}
    assert store.save(job, change(steps=patches, ready=dict.fromkeys(names, queue)))
    loaded = store.load(job.id)
    assert loaded is not None
    return loaded


def claim(store: JobStore, step: str = "mix", nonce: str = "n", job: str = "job_1", **more: object) -> Claim | str:
    fields = {"worker": "w", "lease": 5.0, "queue": "render"} | more
    return store.claim(job, step, nonce=nonce, **fields)  # type: ignore[arg-type]


def held(store: JobStore, step: str = "mix", **more: object) -> Claim:
    got = claim(store, step, **more)  # type: ignore[arg-type]
    assert isinstance(got, Claim), got
    return got


def test_a_new_job_is_due_at_once_and_has_its_first_event(store: JobStore) -> None:
    job = make(store, title="Sunset", metadata={"a": [1, {}]})
    assert (job.state, job.title, job.metadata, job.request) == ("queued", "Sunset", {"a": [1, {}]}, REQUEST)
    assert job.deadline - job.created == 60_000
    assert store.take_due(10, 5.0) == ["job_1"]
    assert [(event.seq, event.type, event.data) for event in store.events("job_1")] == [(1, "job", {"state": "queued"})]


def test_an_idempotency_key_makes_one_job_also_in_a_race(store: JobStore) -> None:
    made = []

    def post(number: int) -> None:
        made.append(
            store.create(f"job_{number}", "local", request=REQUEST, timeout=60, request_key="k", request_digest="d")
        )

    threads = [threading.Thread(target=post, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.job_id for one in made}) == 1
    assert sum(not one.replayed for one in made) == 1
    assert len(store.jobs("local", None, 100)) == 1


def test_a_key_with_another_body_is_refused_and_another_owner_has_keys_of_its_own(store: JobStore) -> None:
    make(store, request_key="k", request_digest="d")
    with pytest.raises(KeyReused):
        store.create("job_2", "local", request=REQUEST, timeout=60, request_key="k", request_digest="other")
    assert not store.create("job_3", "else", request=REQUEST, timeout=60, request_key="k", request_digest="d").replayed


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


def test_a_step_is_not_claimed_before_its_time_or_with_another_build_or_after_cancel(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    assert claim(store, build="b2") == "other_build"
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
    assert not store.commit(old, "{}", 60)
    assert not store.fail(old, FAILURE)
    assert store.commit(new, '{"list":[],"object":{}}', 60)
    job = store.load("job_1") or job
    assert job.steps["mix"].facts == '{"list":[],"object":{}}'


def test_reports_sent_twice_count_once(store: JobStore) -> None:
    ready(store, make(store), "mix", "assemble")
    mix, assemble = held(store, "mix"), held(store, "assemble")
    assert store.commit(mix, "{}", 60)
    assert store.fail(assemble, FAILURE)
    before = store.latest_events("job_1", 100)
    assert store.commit(mix, '{"other":1}', 60)
    assert store.fail(assemble, FAILURE)
    assert store.latest_events("job_1", 100) == before


def test_the_first_result_of_a_work_is_the_result(store: JobStore) -> None:
    ready(store, make(store), "mix", work="same")
    ready(store, make(store, "job_2"), "mix", work="same")
    first, second = held(store, job="job_1"), held(store, job="job_2")
    assert store.commit(first, '"first"', 60)
    assert store.commit(second, '"second"', 60)
    job = store.load("job_2")
    assert job is not None
    assert job.steps["mix"].facts == '"first"'
    assert store.known_work("local", ["same", "none"]) == {"same": '"first"', "none": None}
    assert store.known_work("else", ["same"]) == {"same": None}


def test_what_is_not_to_be_shared_is_not_known_to_other_jobs(store: JobStore) -> None:
    ready(store, make(store), "mix", work="same")
    assert store.commit(held(store), '"makeshift"', 0)
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
    assert after.steps["mix"].done == 0.4
    assert store.beat(mix, 30.0, 0.2) == "ok"
    assert (store.load("job_1") or after).steps["mix"].done == 0.4
    store.wish_cancel("job_1")
    assert store.beat(mix, 30.0, 0.5) == "called_off"


def test_a_decision_made_for_an_older_revision_is_not_saved(store: JobStore) -> None:
    job = ready(store, make(store), "mix")
    held(store)
    assert not store.save(job, change(head={"state": "failed"}))
    loaded = store.load("job_1")
    assert loaded is not None
    assert loaded.state == "queued"


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
    assert not store.commit(mix, "{}", 60)
    assert store.beat(mix, 1.0, 0.5) == "lost"


def test_a_job_that_lost_its_next_look_is_revived(store: JobStore) -> None:
    make(store)
    store.client.delete("due")
    assert store.take_due(10, 1.0) == []
    assert store.revive() == 1
    assert store.take_due(10, 1.0) == ["job_1"]


def test_a_taken_job_is_held_for_its_taker(store: JobStore) -> None:
    make(store)
    assert store.take_due(10, 30.0) == ["job_1"]
    assert store.take_due(10, 30.0) == []


def test_hints_take_turns_between_owners_and_jobs(store: JobStore) -> None:
    ready(store, make(store, "big", "a"), *(f"segment:s{n}.0" for n in range(8)))
    ready(store, make(store, "small", "a"), "segment:s1.0")
    ready(store, make(store, "other", "b"), "segment:s1.0", "segment:s2.0")
    picked = [job for job, _ in store.dispatch("render", 5, 60.0)]
    assert picked.count("other") == 2
    assert picked.count("small") == 1
    assert picked.count("big") == 2


def test_turns_are_remembered_between_dispatches(store: JobStore) -> None:
    ready(store, make(store, "one"), *(f"segment:s{n}.0" for n in range(4)))
    ready(store, make(store, "two"), *(f"segment:s{n}.0" for n in range(4)))
    order = [store.dispatch("render", 1, 60.0)[0][0] for _ in range(6)]
    assert order in (["one", "two"] * 3, ["two", "one"] * 3)


def test_a_stream_of_new_jobs_does_not_keep_an_old_one_waiting(store: JobStore) -> None:
    ready(store, make(store, "zz"), *(f"segment:s{n}.0" for n in range(9)))
    store.dispatch("render", 1, 60.0)
    picked = []
    for number in range(8):
        ready(store, make(store, f"a{number}"), "segment:s1.0")
        picked += [job for job, _ in store.dispatch("render", 1, 60.0)]
    assert picked.count("zz") >= 2  # its fair share, while one new job comes for each step that is done


def test_who_became_ready_first_is_hinted_first(store: JobStore) -> None:
    ready(store, make(store), "segment:s9.0")
    job = store.load("job_1")
    assert job is not None
    while store.now() <= job.created:
        pass
    ready(store, job, "segment:s1.0")
    store.client.zadd("ready:render", {"local/job_1/segment:s9.0": 1})
    assert [step for _, step in store.dispatch("render", 2, 60.0)] == ["segment:s9.0", "segment:s1.0"]


def test_a_hint_that_met_another_build_goes_back(store: JobStore) -> None:
    ready(store, make(store), "mix")
    assert store.dispatch("render", 1, 60.0)
    before = store.client.zscore("ready:render", "local/job_1/mix")
    assert claim(store, build="other") == "other_build"
    assert store.client.zscore("ready:render", "local/job_1/mix") < before


def test_a_hint_is_not_given_again_before_its_time_and_never_after_the_claim(store: JobStore) -> None:
    job = ready(store, make(store), "mix", "assemble")
    assert len(store.dispatch("render", 9, 60.0)) == 2
    assert store.dispatch("render", 9, 60.0) == []
    store.client.zadd("ready:render", {"local/job_1/mix": 0, "local/job_1/assemble": 0})
    held(store, "mix")
    assert store.dispatch("render", 9, 0.0) == [("job_1", "assemble")]
    job = store.load("job_1") or job
    assert store.save(job, change(ready={"assemble": "render"}))
    store.client.delete("ready:render")
    assert store.save(job, change(ready={"assemble": "render"})), "a look repairs a lost entry"
    assert store.dispatch("render", 9, 1.0) == [("job_1", "assemble")]


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
    everything = store.jobs("local", None, 100)
    pages, last = [], None
    while page := store.jobs("local", last, 3):
        pages += page
        last = page[-1]
    assert pages == everything
    assert len({name for _, name in pages}) == 7
    assert store.jobs("else", None, 10) == []


def test_workers_live_as_long_as_they_say_so(store: JobStore) -> None:
    store.register(WorkerInfo("r-1", "renderer", 2, {"ffmpeg": "b"}), 60)
    store.register(WorkerInfo("r-2", "renderer", 2, {"ffmpeg": "b"}), -1)
    assert store.workers() == [WorkerInfo("r-1", "renderer", 2, {"ffmpeg": "b"})]
    store.unregister("r-1")
    assert store.workers() == []


def test_a_full_redis_is_told_as_such_and_nothing_is_half_written(store: JobStore, redis_here: RedisServer) -> None:
    with redis_here.client() as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StateUnavailable):
                make(store)
        finally:
            client.config_set("maxmemory", "0")
    assert store.load("job_1") is None
    assert store.jobs("local", None, 10) == []
    assert make(store).state == "queued"
