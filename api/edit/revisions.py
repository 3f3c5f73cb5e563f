"""New versions of a video that is there or under way: edited, with other pictures, or as it was before."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from api.edit.checks import changes_nothing, edit_complaints, only_reseeded
from api.errors import Complaint, Conflict, refuse, unknown_job
from api.jobs import changing, no_storyboard, scene_of
from api.records import Records, keyed
from api.submission import Orders
from api.views.status import cast_of, shown_in, steps_view, unusable
from common.contracts.base import ObjectRef
from common.contracts.edit import Changes, Edit, EditRequest, RegenerateRequest, RestoreRequest, ShotEdit
from common.contracts.footage import OWN, SCENERY
from common.contracts.job import DONE, ENDINGS_WITH_FILM, Job, Pins
from common.contracts.names import StepName
from common.contracts.steps import STEP_KINDS, CastFacts, parse_facts
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.jobs.reopening import Revision
from common.jobs.store import JobStore
from common.jobs.wishes import RequestKey

LOOK_SECONDS = 0.05
PLAN_SECONDS = 3.0
"How long an answer waits for the new version to be planned, so that it can tell what is done again."
STALE = "stale_version"
TRIES = 10
"So often a wish is carried out anew that names no version, when others change the video in the same moment."
Answer = dict[str, Any]


class Revisions:
    """The use cases. Each returns the answer of the request.

    A repeat with the same idempotency key gets the answer of the first; with another request, `KeyReused`.
    """

    def __init__(self, store: JobStore, records: Records, orders: Orders) -> None:
        self._store, self._records, self._orders = store, records, orders

    def edit(self, owner: str, job_id: str, wanted: EditRequest, key: str = "") -> Answer:
        def change(request: RequestKey) -> Answer:
            job, storyboard = self._planned(owner, job_id, wanted.version)
            cast = _forgiving(cast_of(job), wanted)
            refuse(
                [
                    *edit_complaints(
                        wanted,
                        storyboard,
                        lambda shot, name: self._unfit(job, cast, shot, name),
                        lambda shot: _unpainted(cast, _shots(storyboard)[shot]),
                    ),
                    *self._foreign_complaints(owner, wanted),
                ]
            )
            return self._change(owner, job, storyboard, wanted, "edit", request)

        return self._once(owner, job_id, keyed(key, "edit", job_id, wanted), change)

    def regenerate(self, owner: str, job_id: str, scene_id: str, wanted: RegenerateRequest, key: str = "") -> Answer:
        """Another picture for the shots of a scene."""

        def change(request: RequestKey) -> Answer:
            job, storyboard = self._planned(owner, job_id, wanted.version)
            shots = self._wanted_shots(job, scene_of(storyboard, scene_id), wanted)
            return self._change(owner, job, storyboard, Changes(shots=shots), "regenerate", request)

        request = keyed(key, "regenerate", job_id, scene_id, wanted)
        return self._once(owner, job_id, request, _again(change) if wanted.version is None else change)

    def restore(self, owner: str, job_id: str, number: int, wanted: RestoreRequest, key: str = "") -> Answer:
        """Makes an old version the newest. What it had finished is known again, and not done twice, unless it was
        found in a way that is no rule for other jobs.
        """

        def change(request: RequestKey) -> Answer:
            job = self._records.job(owner, job_id)
            _check_version(job, wanted.version)
            return self._restore(owner, job, number, request)

        request = keyed(key, "restore", job_id, number, wanted)
        return self._once(owner, job_id, request, _again(change) if wanted.version is None else change)

    def _restore(self, owner: str, job: Job, number: int, request: RequestKey) -> Answer:
        if number == job.version:
            return self._unchanged(owner, job, request, f"version {number} is the newest already")
        old = self._records.version_of(job, number)
        if old.storyboard is None or self._records.storyboard(old) is None:
            raise no_storyboard(old, job)
        if _looks_like(job, old):
            return self._unchanged(owner, job, request, f"the newest version, {job.version}, is as {number} was")
        self._make_known(owner, old)
        cast = old.steps.get("cast")
        return self._revise(
            owner,
            job,
            request,
            cause="restore",
            base=old.storyboard,
            edit=None,
            pins=old.pins if old.pins != Pins() else None,
            cast=cast.facts if cast is not None and cast.facts else None,
        )

    # from wishes to an edit

    def _once(self, owner: str, job_id: str, request: RequestKey, change: Callable[[RequestKey], Answer]) -> Answer:
        """The answer of `change`; the one that it gave the first time, if this is a repeat."""
        known = self._records.answered(owner, request)
        if known is None:
            try:
                return change(request)
            except Conflict:
                # It may have come twice at once, and the other one was faster.
                known = self._records.answered(owner, request)
                if known is None:
                    raise
        return self._repeated(owner, job_id, *known)

    def _planned(self, owner: str, job_id: str, version: int | None) -> tuple[Job, Storyboard]:
        """The newest version, which must be the one that is meant. If any will do, one that is just being planned is
        waited for.
        """
        job = self._records.job(owner, job_id)
        _check_version(job, version)
        if job.storyboard is None and job.version > 1 and version is None:
            self._decided(job_id, job.version)
            job = self._records.job(owner, job_id)
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job, job)
        return job, storyboard

    def _change(
        self, owner: str, job: Job, storyboard: Storyboard, changes: Changes, cause: str, request: RequestKey
    ) -> Answer:
        cast, shots = cast_of(job), _shots(storyboard)
        if changes_nothing(changes, storyboard, cast):
            return self._unchanged(owner, job, request, "all of this is so already")
        shown = {edit.id: shown_in(cast, shots[edit.id]) for edit in changes.shots if edit.id in shots}
        given = {name: getattr(changes, name) for name in changes.model_fields_set & Changes.model_fields.keys()}
        given["shots"] = tuple(_still_painted(edit, shown[edit.id]) for edit in changes.shots)
        given["avoid"] = {
            edit.id: (cast.chosen[edit.id],) for edit in changes.shots if edit.another and edit.id in cast.chosen
        }
        edit = self._records.keep(owner, "edit", Edit(**given))
        assert job.storyboard is not None
        return self._revise(owner, job, request, cause=cause, base=job.storyboard, edit=edit)

    def _foreign_complaints(self, owner: str, changes: Changes) -> list[Complaint]:
        """What the storyboard cannot tell: whether files and voices are there."""
        checks = self._orders.checks(owner)
        media = {f"add[{index}].media.asset": scene.media for index, scene in enumerate(changes.add)}
        media |= {f"scenes[{index}].media.asset": edit.media for index, edit in enumerate(changes.scenes)}
        media |= {f"shots[{index}].media.asset": edit.media for index, edit in enumerate(changes.shots)}
        found = [complaint for field, one in media.items() for complaint in checks.of_media(one, field)]
        return found + (checks.of_voice(changes.voice, "en") if changes.voice is not None else [])

    def _wanted_shots(self, job: Job, scene: Scene, wanted: RegenerateRequest) -> tuple[ShotEdit, ...]:
        names = [shot.id for shot in scene.shots]
        if wanted.shot is not None and wanted.shot not in names:
            refuse([Complaint("shot", f"scene {scene.id} has no shot {wanted.shot}; it has {', '.join(names)}")])
        if wanted.candidate is not None and (wanted.query is not None or wanted.seed is not None):
            refuse([Complaint("candidate", "give either a candidate, or a query or seed to find another one with")])
        names = [wanted.shot] if wanted.shot is not None else names
        if wanted.candidate is not None:
            return (self._chosen_shot(job, names, wanted.candidate),)
        shots, cast = [shot for shot in scene.shots if shot.id in names], cast_of(job)
        if wanted.query is None and not all(shown_in(cast, shot) for shot in shots):
            raise Conflict("not_finished", f"scene {scene.id} shows nothing yet; wait until its footage is chosen")
        if wanted.query is None and wanted.seed is not None:
            return tuple(ShotEdit(id=shot.id, seed=wanted.seed) for shot in _painted(cast, shots))
        given: dict[str, Any] = {"another": True}
        given |= {"show": wanted.query} if wanted.query is not None else {}
        given |= {"seed": wanted.seed} if wanted.seed is not None else {}
        return tuple(ShotEdit(id=shot.id, **given) for shot in shots)

    def _chosen_shot(self, job: Job, shots: Sequence[str], candidate: str) -> ShotEdit:
        """The candidate, in the shot that it was found for."""
        found = [shot for shot in shots if any(one.id == candidate for one in self._records.candidates(job, shot))]
        if len(found) > 1:
            refuse([Complaint("shot", f"the candidate was found for {', '.join(found)}; say for which it is meant")])
        shot = (found or list(shots))[0]
        if why := self._unfit(job, cast_of(job), shot, candidate):
            refuse([Complaint("candidate", why)])
        return ShotEdit(id=shot, candidate=candidate)

    def _unfit(self, job: Job, cast: CastFacts, shot: str, candidate: str) -> str:
        """Why the shot cannot show the candidate; empty if it can."""
        found = self._records.candidates(job, shot)
        if candidate not in {one.id for one in found}:
            where = f"GET /mcp/scenes/{job.id}/{shot.partition('.')[0]}"
            return f"is none of the {len(found)} candidates found for {shot}; {where} lists them"
        why = unusable(cast, shot, candidate).rstrip(".")
        return f'proved unusable: {why}; give "avoid": null for the shot, and it is tried again' if why else ""

    # from an edit to a version

    def _revise(
        self,
        owner: str,
        job: Job,
        request: RequestKey,
        *,
        cause: str,
        base: ObjectRef,
        edit: ObjectRef | None,
        pins: Pins | None = None,
        cast: str | None = None,
    ) -> Answer:
        outcome = self._records.change(
            owner,
            job.id,
            lambda: self._store.revise(
                job.id,
                job.version,
                Revision(cause, base, edit, pins, cast),
                self._orders.limits,
                request,
            ),
        )
        if outcome == "unknown":
            raise unknown_job(job.id)
        if outcome == "cancelling":
            raise Conflict("cancelled", "the job is being cancelled; change it when it has ended")
        if outcome != "ok":
            _check_version(self._records.job(owner, job.id), job.version)
            raise changing()
        self._records.remember(owner, request, job.version + 1, changed=True)
        return self._answer(job.id, job.version + 1, "accepted")

    def _answer(self, job_id: str, version: int, word: str) -> Answer:
        job = self._decided(job_id, version)
        if job is not None and job.version == version and _is_planned(job):
            steps = steps_view(job)
            # A search that runs again may find something else, and what shows that is made anew.
            sure = not any(name.startswith("search:") for name in steps["running_again"])
            message = f"{word}; {len(steps['reused'])} steps are {'' if sure else 'expected to be '}reused"
        else:
            steps = None
            message = f"{word}; what is done again is in the status once the version is planned"
        return {"job_id": job_id, "version": version, "changed": True, "steps": steps, "message": message}

    def _unchanged(self, owner: str, job: Job, request: RequestKey, why: str) -> Answer:
        self._records.remember(owner, request, job.version, changed=False)
        return _as_it_is(job.id, job.version, f"{why}; there is no new version")

    def _repeated(self, owner: str, job_id: str, version: int, changed: bool) -> Answer:
        self._records.job(owner, job_id)
        if not changed:
            return _as_it_is(job_id, version, f"known already: this changed nothing, and left version {version}")
        return self._answer(job_id, version, "known already: this is the version your key made")

    def _decided(self, job_id: str, version: int) -> Job | None:
        """The job as soon as its new version is planned; as it is after a few seconds if it takes longer."""
        give_up = time.monotonic() + PLAN_SECONDS
        while True:
            job = self._store.load(job_id)
            if job is None or job.terminal or job.version != version or time.monotonic() > give_up:
                return job
            if _is_planned(job):
                return job
            time.sleep(LOOK_SECONDS)

    def _make_known(self, owner: str, old: Job) -> None:
        by_time: dict[int, dict[str, str]] = {}
        for name, step in old.steps.items():
            kind = StepName(name).kind
            seconds = self._records.known_for(kind)
            reused = step.state == DONE and step.fingerprint and seconds and STEP_KINDS[kind].queue
            if reused and getattr(parse_facts(kind, step.facts), "shareable", True):
                by_time.setdefault(seconds, {})[step.fingerprint] = step.facts
        for seconds, facts in by_time.items():
            self._store.seed_work(owner, facts, seconds)


def _is_planned(job: Job) -> bool:
    """Whether the record tells which steps are done again: before the storyboard is there it knows of few."""
    return job.decided_version >= job.version and job.storyboard is not None


def _as_it_is(job_id: str, version: int, message: str) -> Answer:
    return {"job_id": job_id, "version": version, "changed": False, "steps": None, "message": message}


def _again(change: Callable[[RequestKey], Answer]) -> Callable[[RequestKey], Answer]:
    """The same for whichever version is the newest: when another one comes in between, it starts over."""

    def try_often(request: RequestKey) -> Answer:
        for _ in range(TRIES):
            try:
                return change(request)
            except Conflict as error:
                if error.code != STALE:
                    raise
        raise changing()

    return try_often


def _check_version(job: Job, version: int | None) -> None:
    """`version` is the one that somebody looked at before wishing for changes; None: whichever is the newest."""
    if version not in (None, job.version):
        raise Conflict("stale_version", f"version {version} is not the newest; that is {job.version}")


def _looks_like(job: Job, old: Job) -> bool:
    """Whether the newest version, which must have a film, is what restoring the old one would make."""
    casts = [version.steps["cast"].facts if "cast" in version.steps else "" for version in (job, old)]
    same = (job.storyboard, job.pins, casts[0]) == (old.storyboard, old.pins, casts[1])
    return same and job.state in ENDINGS_WITH_FILM


def _shots(storyboard: Storyboard) -> dict[str, Shot]:
    return {shot.id: shot for scene in storyboard.scenes for shot in scene.shots}


def _forgiving(cast: CastFacts, changes: Changes) -> CastFacts:
    """The casting without what is to be tried again."""
    forgiven = {edit.id for edit in changes.shots if edit.forgives}
    return CastFacts(
        chosen=cast.chosen, rejected={shot: some for shot, some in cast.rejected.items() if shot not in forgiven}
    )


def _painted(cast: CastFacts, shots: Sequence[Shot]) -> list[Shot]:
    """Those of the shots that another seed changes; refuses when there are none."""
    found = [shot for shot in shots if not _unpainted(cast, shot)]
    if not found:
        refuse([Complaint("seed", _unpainted(cast, shots[0]))])
    return found


def _unpainted(cast: CastFacts, shot: Shot) -> str:
    """Why another seed would not change what a shot shows; empty when it would, or when nobody knows yet."""
    shown = shown_in(cast, shot)
    if not shown or shown.startswith(SCENERY):
        return ""
    what = "media of your own" if shown.startswith(OWN) else shown
    return f"changes generated scenery only, and {shot.id} shows {what}; give a candidate, or a query to search with"


def _still_painted(edit: ShotEdit, shown: str) -> ShotEdit:
    """Who wishes for another seed wants another painting, even where clips are found, too."""
    return edit.model_copy(update={"candidate": shown}) if only_reseeded(edit) and shown.startswith(SCENERY) else edit
