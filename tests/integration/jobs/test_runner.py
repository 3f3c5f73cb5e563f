"""The step runner with real leases: what it reports, and when it must keep silent."""

import errno
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common import scratch
from common.contracts.job import FAILED, READY, RUNNING
from common.contracts.steps import AssembleSpec, MixFacts, MixSpec, SceneSpec
from common.contracts.timeline import Profile, SegmentRef
from common.errors import BadMedia, DiskFull, ObjectMissing, StepError, StorageUnavailable, Throttled
from common.jobs.claims import Claim
from common.jobs.scripts import StateUnavailable
from common.jobs.store import JobStore
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.worker.drain import Drain
from common.worker.runner import StepRunner, worker_name
from common.worker.service import toolchains
from common.worker.slots import Slots
from common.worker.steprun import Attempt, Places, StepRun
from tests.support.asking import dispatch
from tests.support.ready import BUILD, TOOLCHAINS, load, make_job, make_ready, mix_spec, step_of

Handle = Callable[[MixSpec, StepRun], MixFacts]


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def work(store: JobStore) -> str:
    make_job(store)
    return make_ready(store)


@pytest.fixture
def runner(quick: Settings, store: JobStore, storage: MemoryStorage, work: str) -> Callable[..., StepRunner]:
    def make(handler: Handle, build: str = BUILD, drain: Drain | None = None, store: Any = store) -> StepRunner:
        return StepRunner(quick, store, storage, {"mix": handler}, toolchains("render", {"ffmpeg": build}), drain)

    return make


class Wrapped:
    """A store of which some calls go another way."""

    def __init__(self, store: JobStore, **calls: Callable[..., Any]) -> None:
        self._store, self._calls = store, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._store, name)


def facts(run: StepRun) -> MixFacts:
    return MixFacts(media=run.keep_bytes("mix", b"sound", "audio/mp4"), loudness=-14.0, true_peak=-1.5)


def mix(spec: MixSpec, run: StepRun) -> MixFacts:
    return facts(run)


def stored(storage: MemoryStorage) -> list[str]:
    return [one.key for one in storage.list("assets")]


def until_stopped(run: StepRun) -> None:
    while True:
        run.check()
        time.sleep(0.01)


def test_a_finished_step_is_committed_and_its_scratch_folder_is_gone(
    quick: Settings, store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner], work: str
) -> None:
    seen: list[Path] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        assert spec == mix_spec()
        assert run.workdir.is_dir()
        seen.append(run.workdir)
        return facts(run)

    assert runner(handler).run("job_1", "mix") == "done"
    assert step_of(store).state == "done"
    assert seen[0].parent == quick.scratch()
    assert not list(seen[0].parent.iterdir())
    (key,) = stored(storage)
    assert MixFacts.model_validate_json(step_of(store).facts).media.key == key
    assert key.startswith(f"local/mix/{work}/")


def test_a_late_or_doubled_hint_does_nothing(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    runs: list[int] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        runs.append(1)
        return facts(run)

    one = runner(handler)
    assert [one.run("job_1", "mix") for _ in range(3)] == ["done", "not_ready", "not_ready"]
    assert one.run("job_9", "mix") == "gone"
    assert len(runs) == 1


def test_a_worker_that_offers_something_else_leaves_the_step_to_others(
    store: JobStore, runner: Callable[..., StepRunner]
) -> None:
    seen: list[str] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        seen.append(run.toolchain)
        return facts(run)

    assert runner(handler, build="another").run("job_1", "mix") == "other_build"
    assert step_of(store).state == READY
    assert runner(handler).run("job_1", "mix") == "done"
    assert seen == [step_of(store).toolchain]


# failures


@pytest.mark.parametrize(
    ("error", "code", "retryable", "outage", "missing"),
    [
        (BadMedia("the music cannot be read"), "bad_media", False, False, ""),
        (Throttled("slow down", 60.0), "throttled", True, False, ""),
        (StorageUnavailable("the object store does not answer"), "storage_unavailable", True, True, ""),
        (StateUnavailable("the state store does not answer"), "state_unavailable", True, True, ""),
        (DiskFull("the disk is full"), "disk_full", True, True, ""),
        (OSError(errno.ENOSPC, "No space left on device", "/secret"), "disk_full", True, True, ""),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full", True, True, ""),
        (OSError(errno.EIO, "Input/output error"), "disk_broken", True, True, ""),
        (FileNotFoundError(errno.ENOENT, "No such file"), "internal_error", True, False, ""),
        (ObjectMissing("a stored object is missing", "local/x/y/z"), "object_missing", True, False, "local/x/y/z"),
        (ZeroDivisionError("secret detail"), "internal_error", True, False, ""),
    ],
)
def test_an_error_becomes_a_failure_that_a_person_can_read(
    store: JobStore,
    runner: Callable[..., StepRunner],
    error: Exception,
    code: str,
    retryable: bool,
    outage: bool,
    missing: str,
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        raise error

    assert runner(handler).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert step_of(store).state == FAILED
    assert (failure.code, failure.retryable, failure.outage, failure.missing) == (code, retryable, outage, missing)
    assert "secret" not in failure.message


def test_an_error_that_was_raised_because_the_disk_is_full_is_an_outage(
    store: JobStore, runner: Callable[..., StepRunner]
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise BadMedia("the picture cannot be read") from error

    assert runner(handler).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert failure.outage


def test_a_scratch_folder_that_cannot_be_made_for_want_of_space_is_an_outage(
    store: JobStore, runner: Callable[..., StepRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    assert runner(mix).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert (failure.code, failure.outage) == ("disk_full", True)


@pytest.mark.parametrize(("error", "reason"), [(PermissionError, errno.EACCES), (OSError, errno.EROFS)])
def test_a_scratch_folder_that_may_not_be_written_to_any_more_is_an_outage(
    error: type[OSError], reason: int, store: JobStore, runner: Callable[..., StepRunner]
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        raise error(reason, os.strerror(reason), str(run.workdir / "voice.wav"))

    assert runner(handler).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert (failure.code, failure.outage) == ("disk_broken", True)


def test_an_input_that_is_gone_or_damaged_is_named(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    ref = facts(step_run_over(storage)).media

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        run.fetch(ref, "input")
        return facts(run)

    storage.put_bytes("assets", ref.key, b"broken", "audio/mp4")
    for damage in (lambda: None, lambda: storage.delete("assets", ref.key)):
        damage()
        make_ready(store)
        assert runner(handler).run("job_1", "mix") == "failed"
        failure = step_of(store).failure
        assert failure is not None
        assert failure.missing == ref.key


def test_all_inputs_that_are_gone_are_named_at_once(
    quick: Settings, store: JobStore, storage: MemoryStorage, work: str
) -> None:
    run = step_run_over(storage)
    film, still, lost = (run.keep_bytes("film", data, "x/y") for data in (b"film", b"still", b"lost"))
    spec = AssembleSpec(
        segments=tuple(SegmentRef(scene=f"s{n}", media=one, frames=1) for n, one in enumerate((film, still, lost))),
        mix=film,
        profile=Profile(width=640, height=360),
        speech=(),
        captions=None,
        title="",
        cut_list="",
    )

    def assemble(spec: AssembleSpec, run: StepRun) -> MixFacts:
        run.read(spec.segments[0].media)
        raise AssertionError

    make_ready(store, "assemble", spec)
    for ref in (film, lost):
        storage.delete("assets", ref.key)
    one = StepRunner(quick, store, storage, {"assemble": assemble}, TOOLCHAINS)
    assert one.run("job_1", "assemble") == "failed"
    failure = step_of(store, "assemble").failure
    assert failure is not None
    assert failure.missing.split() == [film.key, lost.key]


def test_a_step_that_takes_too_long_is_a_failure_that_is_counted(
    quick: Settings, store: JobStore, storage: MemoryStorage, work: str
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        until_stopped(run)
        raise AssertionError

    impatient = Settings(**{**vars(quick), "step_timeout": 0.3})
    assert StepRunner(impatient, store, storage, {"mix": handler}, TOOLCHAINS).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert (failure.code, failure.outage) == ("step_timeout", False)


# cores that nobody uses


def test_a_step_holds_a_slot_while_it_works_but_not_the_mix_which_is_soon_done(
    quick: Settings, store: JobStore, storage: MemoryStorage, work: str
) -> None:
    slots, spare = Slots(2), {}

    def handler(spec: Any, run: StepRun) -> MixFacts:
        spare[run.step] = spare_to_another_process(slots)
        return facts(run)

    one = StepRunner(quick, store, storage, {"mix": handler, "scene": handler}, TOOLCHAINS, slots=slots)
    make_ready(
        store, "scene:s1", SceneSpec(segments=(), profile=Profile(width=640, height=360), voice=None, voice_offset=0)
    )
    assert one.run("job_1", "scene:s1") == "done"
    assert one.run("job_1", "mix") == "done"
    assert spare == {"scene:s1": 1, "mix": 2}


def spare_to_another_process(slots: Slots) -> int:
    pid = os.fork()
    if not pid:
        os._exit(slots.spare())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# what an attempt leaves behind


def failing(run: StepRun) -> MixFacts:
    facts(run)
    raise StepError("no")


def losing(run: StepRun, store: JobStore) -> MixFacts:
    made = facts(run)
    make_ready(store)  # somebody decided that the lease has run out
    return made


def known(run: StepRun, store: JobStore) -> MixFacts:
    made = facts(run)
    first = made.model_copy(update={"media": made.media.model_copy(update={"key": "local/mix/first/one"})})
    store.seed_work("local", {run.fingerprint: first.model_dump_json()}, 60)
    return made


def cancelled(run: StepRun, store: JobStore) -> MixFacts:
    facts(run)
    store.wish_cancel("job_1")
    until_stopped(run)
    raise AssertionError


@pytest.mark.parametrize(
    ("handle", "outcomes"),
    [
        (lambda run, store: failing(run), {"failed"}),
        (losing, {"lost", "called_off"}),
        (known, {"known"}),
        (cancelled, {"called_off"}),
    ],
)
def test_what_an_attempt_stored_is_removed_unless_its_facts_count(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner], handle: Any, outcomes: set[str]
) -> None:
    seen: list[list[str]] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        try:
            return handle(run, store)
        finally:
            seen.append(stored(storage))

    assert runner(handler).run("job_1", "mix") in outcomes
    assert len(seen[0]) == 1
    assert stored(storage) == []


def test_two_attempts_never_write_the_same_object(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    assert runner(mix).run("job_1", "mix") == "done"
    store.scripts.client.flushall()
    make_job(store)
    make_ready(store)
    assert runner(mix).run("job_1", "mix") == "done"
    first, second = stored(storage)
    assert first.rpartition(".")[0] == second.rpartition(".")[0]


def test_objects_stay_when_nobody_heard_whether_they_count(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    def commit(*_: object) -> str:
        raise StateUnavailable("the state store does not answer")

    def beat(*_: object) -> str:
        raise StateUnavailable("the state store does not answer")

    assert runner(mix, store=Wrapped(store, commit=commit, beat=beat)).run("job_1", "mix") == "unheard"
    assert len(stored(storage)) == 1


def test_objects_stay_when_the_answer_to_the_commit_got_lost_and_the_step_moved_on(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    calls: list[str] = []

    def commit(claim: Claim, facts: str, reuse: int) -> str:
        calls.append(store.commit(claim, facts, reuse))
        if len(calls) == 1:
            make_ready(store)  # a decision comes between
            raise StateUnavailable("the state store does not answer")
        return calls[-1]

    assert runner(mix, store=Wrapped(store, commit=commit)).run("job_1", "mix") == "unheard"
    assert calls == ["ok", "lost"]
    assert len(stored(storage)) == 1


def test_objects_stay_when_the_answer_to_the_commit_got_lost_and_another_result_took_its_place(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    calls: list[str] = []

    def commit(claim: Claim, facts: str, reuse: int) -> str:
        calls.append("known" if calls else store.commit(claim, facts, reuse))
        if len(calls) == 1:
            raise StateUnavailable("the state store does not answer")
        return calls[-1]

    assert runner(mix, store=Wrapped(store, commit=commit)).run("job_1", "mix") == "unheard"
    assert calls == ["ok", "known"]
    assert len(stored(storage)) == 1


def test_a_commit_whose_answer_got_lost_is_said_again(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    calls: list[str] = []

    def commit(claim: Claim, facts: str, reuse: int) -> str:
        calls.append(store.commit(claim, facts, reuse))
        if len(calls) < 3:
            raise StateUnavailable("the state store does not answer")
        return calls[-1]

    assert runner(mix, store=Wrapped(store, commit=commit)).run("job_1", "mix") == "done"
    assert calls == ["ok"] * 3
    assert len(stored(storage)) == 1


def test_a_claim_whose_answer_got_lost_is_one_claim(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    calls: list[Claim | str] = []

    def claim(*arguments: Any, **more: Any) -> Claim | str:
        calls.append(store.claim(*arguments, **more))
        if len(calls) == 1:
            raise StateUnavailable("the state store does not answer")
        return calls[-1]

    assert runner(mix, store=Wrapped(store, claim=claim)).run("job_1", "mix") == "done"
    assert calls[0] == calls[1]
    assert step_of(store).attempt == 1


def test_an_object_that_was_not_kept_whole_is_not_committed(
    quick: Settings, store: JobStore, runner: Callable[..., StepRunner]
) -> None:
    class Truncating(MemoryStorage):
        def put_bytes(self, bucket: str, key: str, data: bytes, media_type: str) -> None:
            super().put_bytes(bucket, key, data[:-1], media_type)

    storage = Truncating()
    assert StepRunner(quick, store, storage, {"mix": mix}, TOOLCHAINS).run("job_1", "mix") == "failed"
    failure = step_of(store).failure
    assert failure is not None
    assert (failure.code, failure.outage) == ("storage_unavailable", True)
    assert stored(storage) == []


def test_objects_that_cannot_be_removed_now_stop_nothing(quick: Settings, store: JobStore, work: str) -> None:
    class Undeletable(MemoryStorage):
        def delete(self, bucket: str, key: str) -> None:
            raise StorageUnavailable("the object store does not answer")

    one = StepRunner(quick, store, Undeletable(), {"mix": lambda spec, run: failing(run)}, TOOLCHAINS)
    assert one.run("job_1", "mix") == "failed"


# leases


def test_cancel_kills_the_child_of_a_running_step(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    started = threading.Event()
    child: list[subprocess.Popen[bytes]] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        child.append(subprocess.Popen(["sleep", "600"]))
        run.adopt(child[0])
        started.set()
        child[0].wait()
        return facts(run)

    outcome: list[str] = []
    one = runner(handler)
    thread = threading.Thread(target=lambda: outcome.append(one.run("job_1", "mix")))
    thread.start()
    started.wait()
    store.wish_cancel("job_1")
    thread.join()
    assert outcome == ["called_off"]
    assert child[0].returncode == -9
    assert step_of(store).state == RUNNING  # ending the job is the decision's business


def test_a_worker_that_lost_its_lease_says_nothing(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    assert runner(lambda spec, run: losing(run, store)).run("job_1", "mix") in ("lost", "called_off")
    assert step_of(store).state == READY


def test_a_worker_that_cannot_renew_stops_itself_before_its_lease_ends(
    store: JobStore, runner: Callable[..., StepRunner]
) -> None:
    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        store.scripts.client.execute_command("CLIENT", "PAUSE", 4000, "ALL")  # Redis hears nothing for a while
        until_stopped(run)
        raise AssertionError

    assert runner(handler).run("job_1", "mix") == "called_off"


def test_a_step_whose_time_is_over_stops_before_its_heart_has_noticed() -> None:
    run = step_run_over(MemoryStorage())
    run.check()
    run.until = time.monotonic() - 0.001
    assert run.stopped
    child = subprocess.Popen(["sleep", "600"])
    run.adopt(child)
    assert child.wait() == -9


def test_no_process_outlives_a_step_that_saw_its_end_before_its_heart_did(
    quick: Settings, store: JobStore, storage: MemoryStorage, work: str
) -> None:
    child: list[subprocess.Popen[bytes]] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        child.append(subprocess.Popen(["sleep", "600"]))
        run.adopt(child[0])
        run.until = time.monotonic() - 0.001  # as after a freeze
        return facts(run)

    without_a_beat = replace(quick, beat_seconds=600.0)
    assert StepRunner(without_a_beat, store, storage, {"mix": handler}, TOOLCHAINS).run("job_1", "mix") == "called_off"
    assert child[0].wait() == -9
    assert stored(storage) == []


# draining


def test_no_step_is_started_while_the_service_ends(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    drain = Drain()
    one = runner(mix, drain=drain)
    drain.begin(60.0)
    assert one.run("job_1", "mix") == "draining"
    assert step_of(store).state == READY


def test_a_step_that_finishes_in_time_is_committed(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    drain = Drain()

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        drain.begin(60.0)
        return facts(run)

    assert runner(handler, drain=drain).run("job_1", "mix") == "done"


def test_a_step_that_does_not_finish_in_time_is_handed_back_and_nothing_is_counted(
    store: JobStore, storage: MemoryStorage, runner: Callable[..., StepRunner]
) -> None:
    drain = Drain()

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        facts(run)
        drain.begin(0.2)
        drain.begin(60.0)  # saying it again changes nothing
        until_stopped(run)
        raise AssertionError

    assert runner(handler, drain=drain).run("job_1", "mix") == "released"
    step = step_of(store)
    assert (step.state, step.attempt, step.losses, step.lease) == (READY, 0, 0, 0)
    assert dispatch(store, "render", 5, 10.0) == [("job_1", "mix")]
    assert stored(storage) == []
    assert runner(mix).run("job_1", "mix") == "done"


def test_the_news_of_the_end_reach_a_process_forked_before(tmp_path: Path) -> None:
    drain = Drain()
    child = os.fork()
    if child == 0:
        while not drain.began:
            time.sleep(0.01)
        os._exit(0 if 0 < drain.left <= 60.0 else 1)
    drain.begin(60.0)
    assert os.waitpid(child, 0)[1] == 0


# scratch folders


def test_a_sweep_removes_what_a_killed_process_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "reel-other").mkdir()
    folder = scratch.folder(tmp_path, "dead")
    child = os.fork()
    if child == 0:
        with scratch.scratch(folder):
            (folder / "half a film").write_bytes(b"...")
            os._exit(137)
    os.waitpid(child, 0)
    alive = scratch.folder(tmp_path, "alive")
    with scratch.scratch(alive):
        (alive / "film").write_bytes(b"...")
        assert scratch.sweep(tmp_path) == 1
        assert (alive / "film").exists()
    assert scratch.sweep(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["reel-other"]


def test_the_temporary_files_of_a_killed_service_are_swept_and_those_of_a_living_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    child = os.fork()
    if child == 0:
        with scratch.temporary("dead"):
            tempfile.mkdtemp(prefix="of-a-library-")
            os._exit(137)
    os.waitpid(child, 0)
    assert len(list(tmp_path.glob("reel-service-dead/of-a-library-*"))) == 1
    with scratch.temporary("alive"):
        assert Path(tempfile.mkdtemp()).parent == Path(os.environ["TMPDIR"]) == tmp_path / "reel-service-alive"
        assert scratch.sweep(tmp_path) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["reel-service-alive"]
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_removes_what_was_killed_before_it_was_locked(tmp_path: Path) -> None:
    (tmp_path / f"{scratch.UNBORN}dead").mkdir()
    assert scratch.sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_swept_away_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def swept(path: Path, to: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        path.rmdir()
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", swept)
    folder = scratch.folder(tmp_path, "one")
    with scratch.scratch(folder):
        assert folder.is_dir()
        assert scratch.sweep(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def step_run_over(storage: MemoryStorage) -> StepRun:
    places = Places(storage, "assets", "videos", Path("unused"))
    return StepRun(Attempt("local", "job_0", "mix", "0" * 32), places)


def test_the_record_says_who_has_a_step(store: JobStore, runner: Callable[..., StepRunner]) -> None:
    seen: list[str] = []

    def handler(spec: MixSpec, run: StepRun) -> MixFacts:
        seen.append(step_of(store).worker)
        return facts(run)

    assert runner(handler).run("job_1", "mix") == "done"
    assert seen == [worker_name(os.getpid())]
    assert load(store).steps["mix"].worker == ""
