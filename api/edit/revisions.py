"""Use cases that make a new version of a video: edit it, give it other pictures, go back to an old version."""

from functools import partial

from api.edit.checks import changes_nothing, edit_errors, only_reseeded
from api.edit.choices import Choices, forgiving
from api.edit.once import Answer, NewVersion, NoChange, Once, Wish, check_version
from api.edit.regenerate import regenerate_errors, regenerated_shots
from api.edit.waiting import soon_planned
from api.errors import FieldError, raise_if_any
from api.records import Records, keyed, scene_of
from api.submission import Submissions
from api.unavailable import no_storyboard
from api.views.film_state import cast_of, facts_of, shown_in
from common.contracts.edit import Changes, Edit, EditRequest, RegenerateRequest, RestoreRequest, ShotEdit
from common.contracts.footage import SCENERY
from common.contracts.job import DONE, ENDINGS_WITH_FILM, Job, Pins, Step
from common.contracts.kinds import STEP_KINDS
from common.contracts.names import Kind
from common.contracts.steps import CastFacts
from common.contracts.storyboard import Storyboard
from common.jobs.reopening import Revision
from common.jobs.store import RequestStore


class Revisions:
    """The use cases. Each returns the answer of the request, and raises what `Once` raises, `InvalidFields` for a wish
    that does not fit the video, and `Unknown`.
    """

    def __init__(self, store: RequestStore, records: Records, submissions: Submissions) -> None:
        self._store, self._records, self._submissions = store, records, submissions
        self._once = Once(store, records, submissions.limits)

    def edit(self, owner: str, job_id: str, wanted: EditRequest, key: str = "") -> Answer:
        wish = Wish(owner, job_id, wanted.version, keyed(key, "edit", job_id, wanted))
        return self._once.carry_out(wish, lambda: self._edited(wish, wanted))

    def regenerate(self, owner: str, job_id: str, scene_id: str, wanted: RegenerateRequest, key: str = "") -> Answer:
        """Another picture for the shots of a scene."""
        wish = Wish(owner, job_id, wanted.version, keyed(key, "regenerate", job_id, scene_id, wanted))
        return self._once.carry_out(wish, lambda: self._regenerated(wish, scene_id, wanted))

    def restore(self, owner: str, job_id: str, number: int, wanted: RestoreRequest, key: str = "") -> Answer:
        """Makes an old version the newest. What it had finished is known again, and not done twice, unless it was
        found in a way that is no rule for other jobs.
        """
        wish = Wish(owner, job_id, wanted.version, keyed(key, "restore", job_id, number, wanted))
        return self._once.carry_out(wish, lambda: self._restored(wish, number))

    def edit_faults(self, owner: str, wanted: EditRequest, job_id: str) -> list[FieldError]:
        """The faults of an edit that the newest version shows; none of an edit that was made for an older one."""
        job = self._records.film(owner, job_id)
        storyboard = self._records.storyboard(job)
        if storyboard is None or wanted.version < job.version:
            return []
        return self._edit_errors(job, storyboard, wanted)

    def regenerate_faults(self, owner: str, wanted: RegenerateRequest, job_id: str, scene_id: str) -> list[FieldError]:
        """The faults of a wish for another picture, in the same way."""
        job = self._records.film(owner, job_id)
        storyboard = self._records.storyboard(job)
        if storyboard is None or (wanted.version or job.version) < job.version:
            return []
        return list(regenerate_errors(scene_of(storyboard, scene_id), wanted, self._choices(job, cast_of(job))))

    # decisions

    def _edited(self, wish: Wish, wanted: EditRequest) -> NewVersion | NoChange:
        job, storyboard = self._planned(wish)
        raise_if_any(self._edit_errors(job, storyboard, wanted))
        return self._changed(wish, job, storyboard, wanted, "edit")

    def _regenerated(self, wish: Wish, scene_id: str, wanted: RegenerateRequest) -> NewVersion | NoChange:
        job, storyboard = self._planned(wish)
        scene, choices = scene_of(storyboard, scene_id), self._choices(job, cast_of(job))
        raise_if_any(list(regenerate_errors(scene, wanted, choices)))
        changes = Changes(shots=regenerated_shots(scene, wanted, choices))
        return self._changed(wish, job, storyboard, changes, "regenerate")

    def _restored(self, wish: Wish, number: int) -> NewVersion | NoChange:
        job = self._records.film(wish.owner, wish.job_id)
        check_version(job, wish.version)
        if number == job.version:
            return NoChange(job, f"version {number} is the newest already")
        old = self._records.version_of(job, number)
        if old.storyboard is None or self._records.storyboard(old) is None:
            raise no_storyboard(old, job)
        if _looks_like(job, old):
            return NoChange(job, f"the newest version, {job.version}, is as {number} was")
        self._make_known(old)
        pins = old.pins if old.pins != Pins() else None
        return NewVersion(job, Revision("restore", old.storyboard, pins=pins, cast=_cast_facts(old) or None))

    def _changed(
        self, wish: Wish, job: Job, storyboard: Storyboard, changes: Changes, cause: str
    ) -> NewVersion | NoChange:
        cast = cast_of(job)
        if changes_nothing(changes, storyboard, cast):
            return NoChange(job, "all of this is so already")
        edit = self._records.keep(wish.owner, "edit", _edit_of(changes, storyboard, cast))
        assert job.storyboard is not None
        return NewVersion(job, Revision(cause, job.storyboard, edit))

    # what they need to know

    def _planned(self, wish: Wish) -> tuple[Job, Storyboard]:
        """The newest version, which must be the one that is meant. If any will do, one that is just being planned is
        waited for.
        """
        job = self._records.film(wish.owner, wish.job_id)
        check_version(job, wish.version)
        if job.storyboard is None and job.version > 1 and wish.version is None:
            soon_planned(self._store, job.id, job.version)
            job = self._records.film(wish.owner, wish.job_id)
        storyboard = self._records.storyboard(job)
        if storyboard is None:
            raise no_storyboard(job, job)
        return job, storyboard

    def _choices(self, job: Job, cast: CastFacts) -> Choices:
        return Choices(job.id, cast, partial(self._records.candidates, job))

    def _edit_errors(self, job: Job, storyboard: Storyboard, changes: Changes) -> list[FieldError]:
        choices = self._choices(job, forgiving(cast_of(job), changes))
        return [*edit_errors(changes, storyboard, choices), *self._foreign_errors(job, changes)]

    def _foreign_errors(self, job: Job, changes: Changes) -> list[FieldError]:
        """Faults that the storyboard does not show: files and voices that are not there."""
        checks = self._submissions.checks(job.owner)
        media = {f"add[{index}].media.asset": scene.media for index, scene in enumerate(changes.add)}
        media |= {f"scenes[{index}].media.asset": edit.media for index, edit in enumerate(changes.scenes)}
        media |= {f"shots[{index}].media.asset": edit.media for index, edit in enumerate(changes.shots)}
        errors = [error for field, ref in media.items() for error in checks.of_media(ref, field)]
        voices = {"voice": changes.voice}
        voices |= {f"add[{index}].voice": scene.voice for index, scene in enumerate(changes.add)}
        voices |= {f"scenes[{index}].voice": edit.voice for index, edit in enumerate(changes.scenes)}
        language = self._records.request(job).language if any(voices.values()) else ""
        return errors + [
            error._replace(field=field)
            for field, voice in voices.items()
            if voice is not None
            for error in checks.of_voice(voice, language)
        ]

    def _make_known(self, old: Job) -> None:
        """Lets other steps of the owner find the work of an old version, for as long as work of its kind is known."""
        by_time: dict[int, dict[str, str]] = {}
        for step in old.steps.values():
            seconds = self._records.known_for(step.kind)
            if seconds and _is_shareable(step):
                by_time.setdefault(seconds, {})[step.fingerprint] = step.facts
        for seconds, facts in by_time.items():
            self._store.seed_work(old.owner, facts, seconds)


def _edit_of(changes: Changes, storyboard: Storyboard, cast: CastFacts) -> Edit:
    """The changes as they are stored: with what only the service knows."""
    shots = {shot.id: shot for scene in storyboard.scenes for shot in scene.shots}
    shown = {edit.id: shown_in(cast, shots[edit.id]) for edit in changes.shots if edit.id in shots}
    given = {name: getattr(changes, name) for name in changes.model_fields_set & Changes.model_fields.keys()}
    given["shots"] = tuple(_still_painted(edit, shown[edit.id]) for edit in changes.shots)
    given["avoid"] = {
        edit.id: (cast.chosen[edit.id],) for edit in changes.shots if edit.another and edit.id in cast.chosen
    }
    return Edit(**given)


def _still_painted(edit: ShotEdit, shown: str) -> ShotEdit:
    """The edit, kept to painted pictures if it wishes for another seed only: clips may be found, too."""
    return edit.model_copy(update={"candidate": shown}) if only_reseeded(edit) and shown.startswith(SCENERY) else edit


def _looks_like(job: Job, old: Job) -> bool:
    """True if the newest version has a film, and is what restoring the old one would make."""
    same = (job.storyboard, job.pins, _cast_facts(job)) == (old.storyboard, old.pins, _cast_facts(old))
    return same and job.state in ENDINGS_WITH_FILM


def _cast_facts(job: Job) -> str:
    """The casting as JSON; empty while there is none."""
    cast = job.steps.get(Kind.CAST)
    return cast.facts if cast is not None else ""


def _is_shareable(step: Step) -> bool:
    """True for finished work that another step may take over instead of doing it again."""
    finished = step.state == DONE and step.fingerprint and STEP_KINDS[step.kind].queue
    return bool(finished) and getattr(facts_of(step), "shareable", True)
