"""New versions of a video that is there or under way: edited, with other pictures, or as it was before."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from api.edits import edit_complaints
from api.jobs import changing, no_storyboard, scene_of
from api.orders import Orders
from api.records import Records
from api.refusals import Complaint, Conflict, refuse, unknown_job
from common.contracts.base import ObjectRef
from common.contracts.edit import Changes, Edit, EditRequest, RegenerateRequest, ShotEdit
from common.contracts.job import DONE, Job
from common.contracts.steps import SPECS, CastFacts, kind_of, parse_facts
from common.contracts.storyboard import Scene, Storyboard
from common.jobs.store import JobStore
from common.jobs.views import cast_of, steps_view

LOOK_SECONDS = 0.05
PLAN_SECONDS = 3.0
"How long an answer waits for the new version to be planned, so that it can tell what is done again."


class Revisions:
    """The use cases. Each returns the answer of the request."""

    def __init__(self, store: JobStore, records: Records, orders: Orders) -> None:
        self._store, self._records, self._orders = store, records, orders

    def edit(self, owner: str, job_id: str, wanted: EditRequest) -> dict[str, Any]:
        job, storyboard = self._planned(owner, job_id, wanted.version)
        cast = cast_of(job)
        refuse(
            [
                *edit_complaints(wanted, storyboard, lambda shot, name: self._unfit(job, cast, shot, name)),
                *self._foreign_complaints(owner, wanted),
            ]
        )
        return self._change(owner, job, wanted, "edit")

    def regenerate(self, owner: str, job_id: str, scene_id: str, wanted: RegenerateRequest) -> dict[str, Any]:
        """Another picture for the shots of a scene."""
        job, storyboard = self._planned(owner, job_id, wanted.version)
        shots = self._wanted_shots(job, scene_of(storyboard, scene_id), wanted)
        return self._change(owner, job, Changes(shots=shots), "regenerate")

    def restore(self, owner: str, job_id: str, number: int) -> dict[str, Any]:
        """Makes an old version the newest. What it had finished is known again, and not done twice, unless it was
        found in a way that is no rule for other jobs.
        """
        job = self._records.job(owner, job_id)
        if number == job.version:
            raise Conflict("already_current", f"version {number} is the newest already")
        old = self._records.version_of(job, number)
        if old.storyboard is None or self._records.storyboard(old) is None:
            raise no_storyboard(old)
        cast = old.steps.get("cast")
        self._make_known(owner, old)
        return self._revise(
            owner,
            job,
            cause="restore",
            base=old.storyboard,
            edit=None,
            pins=old.pins or None,
            cast=cast.facts if cast is not None and cast.facts else None,
        )

    # from wishes to an edit

    def _planned(self, owner: str, job_id: str, version: int | None) -> tuple[Job, Storyboard]:
        """The newest version, which must be the one that is meant."""
        job = self._records.job(owner, job_id)
        _check_version(job, version)
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job)
        return job, storyboard

    def _change(self, owner: str, job: Job, changes: Changes, cause: str) -> dict[str, Any]:
        chosen = cast_of(job).chosen
        shown = {edit.id: (chosen[edit.id],) for edit in changes.shots if edit.another and edit.id in chosen}
        edit = Edit(**{name: getattr(changes, name) for name in Changes.model_fields}, avoid=dict(shown))
        assert job.storyboard is not None
        return self._revise(owner, job, cause=cause, base=job.storyboard, edit=self._records.keep(owner, "edit", edit))

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
        another = wanted.query is not None or wanted.seed is None
        if another and wanted.query is None and not cast_of(job).chosen.keys() >= _searched(scene, names):
            raise Conflict("not_finished", f"scene {scene.id} shows nothing yet; wait until its footage is chosen")
        return tuple(ShotEdit(id=name, show=wanted.query, another=another, seed=wanted.seed) for name in names)

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
        unusable = (one.why for ones in cast.rejected.values() for one in ones if one.candidate == candidate)
        return next((f"proved unusable: {why}" for why in unusable), "")

    # from an edit to a version

    def _revise(
        self,
        owner: str,
        job: Job,
        *,
        cause: str,
        base: ObjectRef,
        edit: ObjectRef | None,
        pins: Mapping[str, Any] | None = None,
        cast: str | None = None,
    ) -> dict[str, Any]:
        outcome = self._records.change(
            owner,
            job.id,
            lambda: self._store.revise(
                job.id,
                job.version,
                cause=cause,
                base=base,
                edit=edit,
                pins=pins,
                cast=cast,
                limits=self._orders.limits,
            ),
        )
        if outcome == "unknown":
            raise unknown_job(job.id)
        if outcome == "cancelling":
            raise Conflict("cancelled", "the job is being cancelled; change it when it has ended")
        if outcome != "ok":
            _check_version(self._records.job(owner, job.id), job.version)
            raise changing()
        return self._answer(job.id, job.version + 1)

    def _answer(self, job_id: str, version: int) -> dict[str, Any]:
        job = self._decided(job_id, version)
        if job is not None and job.version == version and _is_planned(job):
            steps = steps_view(job)
            message = f"accepted; {len(steps['reused'])} steps are reused"
        else:
            steps = None
            message = "accepted; what is done again will be in the status once the version is planned"
        return {"job_id": job_id, "version": version, "steps": steps, "message": message}

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
            kind = kind_of(name)
            reused = step.state == DONE and step.work and SPECS[kind].reuse and SPECS[kind].queue
            if reused and getattr(parse_facts(kind, step.facts), "shareable", True):
                by_time.setdefault(SPECS[kind].reuse, {})[step.work] = step.facts
        for seconds, facts in by_time.items():
            self._store.seed_work(owner, facts, seconds)


def _is_planned(job: Job) -> bool:
    """Whether the record tells which steps are done again: before the storyboard is there it knows of few."""
    return job.looked >= job.version and job.storyboard is not None


def _check_version(job: Job, version: int | None) -> None:
    """`version` is the one that somebody looked at before wishing for changes; None: whichever is the newest."""
    if version not in (None, job.version):
        raise Conflict("stale_version", f"version {version} is not the newest; that is {job.version}")


def _searched(scene: Scene, shots: Sequence[str]) -> set[str]:
    """Those of the shots that show something that was searched for."""
    return {shot.id for shot in scene.shots if shot.id in shots and shot.media is None}
