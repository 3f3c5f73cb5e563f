"""What a film is made of: every step it needs, wanted as far as its inputs are there. Pure.

Every value that costs something to compute goes through the board's memo, so a look at what has not changed since the
last one costs a few microseconds a step. The inputs of such a value must be the same objects from look to look: parts
of stored bodies and of facts are, because these are parsed through the memo, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from common.contracts.base import ObjectRef, fingerprint
from common.contracts.edit import Edit
from common.contracts.footage import Candidate, CandidateList, Footage
from common.contracts.job import Failure
from common.contracts.narration import Narration
from common.contracts.request import Quality, VideoRequest
from common.contracts.steps import (
    UNRENDERABLE,
    CastFacts,
    MixFacts,
    Rejection,
    SearchFacts,
    SegmentFacts,
    parse_facts,
)
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.contracts.timeline import Profile, SceneCut, SoundProfile
from common.errors import WATERMARK
from orchestrator.engine.working_copy import Board
from orchestrator.film import specs, timeline
from orchestrator.film.casting import Call, cast
from orchestrator.film.layout import Layout, Part, Slot, lay_out, parts_of, slot_of

Body = TypeVar("Body", VideoRequest, Storyboard, Edit, CandidateList)

RENDERINGS = 2
"So many footages of a shot may fail to render; then it gets scenery."


WIDE = "16:9"
"The shape of a film that names none."
DRAFT_SIDE = 360
"The shorter side of a draft in pixels."
CRF: dict[Quality, int] = {"draft": 30, "standard": 23, "high": 18}
PRESETS: dict[Quality, str] = {"draft": "ultrafast", "high": "medium"}
"Where it is not the server's."
BITRATE: dict[Quality, int] = {"draft": 192_000, "standard": 192_000, "high": 256_000}
"Of the sound; a draft shares that of the film itself."


@dataclass(frozen=True)
class Canvas:
    """The server's part of the profile; the request decides the shape."""

    resolution: int = 1080
    "The shorter side in pixels, unless the request names a size."
    preset: str = "veryfast"
    longest_segment: float = 12.0
    "Seconds; a scene that is longer is rendered in parts."

    def size(self, request: VideoRequest) -> tuple[int, int]:
        """Width and height in pixels of the film itself, whatever a draft of it has."""
        if request.size is not None:
            return request.size.width, request.size.height
        wide, high = (int(part) for part in (request.aspect or WIDE).split(":"))
        unit = self.resolution / min(wide, high)
        return _even(wide * unit), _even(high * unit)

    def profile(self, request: VideoRequest, quality: Quality) -> Profile:
        """How the picture is rendered."""
        width, height = self.size(request)
        share = min(1.0, DRAFT_SIDE / min(width, height)) if quality == "draft" else 1.0
        return Profile(
            width=_even(width * share),
            height=_even(height * share),
            fps=request.fps,
            crf=CRF[quality],
            preset=PRESETS.get(quality, self.preset),
            draft=quality == "draft",
        )

    def sound(self, request: VideoRequest, quality: Quality) -> SoundProfile:
        return SoundProfile(fps=request.fps, bitrate=BITRATE[quality])


class After(NamedTuple):
    """What a transition needs of the next scene."""

    shown: tuple[Slot, Footage, tuple[str, ...]] | None
    "Its slot, what it shows first, and the lines of its card as far as the transition depends on them."
    awaited: bool = False
    "True while that is not known."


NOTHING = After(None)


class Film:
    """Wants everything a film is made of, as far as its inputs are there."""

    request: VideoRequest
    story: Storyboard
    profile: Profile
    "Of what is rendered."
    full: Profile
    "Of the film itself: what is searched for and fetched is the same for a draft."
    sound: SoundProfile
    scenes: tuple[Scene, ...]
    "Those that are in the film: the storyboard's without what was left out."

    def __init__(self, board: Board, canvas: Canvas) -> None:
        self.board, self.canvas = board, canvas
        self.published = False
        self.storyboard: ObjectRef | None = None
        "That of this version, once it is known."
        self._chosen: dict[str, Candidate] = {}
        self._searched: tuple[tuple[Scene, Shot], ...] = ()
        self._left_out: dict[str, Failure] = {}
        "Scenes that were left out in this look."
        self._parts: dict[str, int] = {}
        "By scene: of how many segments it is made, as far as that is known."
        self._cuts: list[SceneCut] = []
        "Of every scene that is rendered."
        self._held_up = False
        "Whether a segment waits for footage."

    def want(self) -> None:
        """Wants, and mends what failed, until nothing is left to mend. Then every other step is put in its place."""
        going_on = True
        while going_on:
            self.board.begin()
            if not self._read():
                return  # nobody can tell yet what belongs to the film, so everything goes on as it is
            self._want_film()
            going_on = not self.board.questions and self._mend()
        if not self.board.questions:
            parts = self.board.memo.same("parts", self._parts)
            self.board.sweep(*self.board.memo("expected", _expected, self.story, self.scenes, self._searched, parts))
            self.board.look_for(self.board.memo("inputs", _inputs, self.scenes, parts, self.request))

    def failure(self) -> Failure | None:
        """Why the film cannot be made, with the scene it happened in."""
        for step, failure in self.board.final.items():
            return self._placed(step, failure)
        return None

    def _read(self) -> bool:
        """Reads request and storyboard; False while one of them is not there."""
        self.storyboard = self._storyboard()
        request = self._body(VideoRequest, self.board.job.request)
        story = self._body(Storyboard, self.storyboard) if self.storyboard is not None else None
        if request is None or story is None:
            return False
        self.request, self.story = request, story
        canvas = self.board.memo.same("canvas", self.canvas)
        self.profile, self.full, self.sound = self.board.memo("profile", _profiles, canvas, request, story)
        return self._made_new()

    def _storyboard(self) -> ObjectRef | None:
        job = self.board.job
        if job.base is not None and job.edit is None:
            return job.base
        plan = self.board.want("plan", "plan", specs.plan, job.request, job.base, job.edit)
        return plan.storyboard if plan is not None else None

    def _made_new(self) -> bool:
        """The first time an edited storyboard is seen, shots that are to show something else lose their footage, and
        what proved unusable for them is forgotten.
        """
        job = self.board.job
        if job.edit is None or job.base is None or job.storyboard is not None:
            return True
        base, edit = self._body(Storyboard, job.base), self._body(Edit, job.edit)
        if base is None or edit is None:
            return False
        before = self._casting()
        anew = _changed_shots(base, self.story) | edit.forgiven()
        if anew & (before.chosen.keys() | before.rejected.keys()) and self.board.steps["cast"] is job.steps.get("cast"):
            chosen = {shot: one for shot, one in before.chosen.items() if shot not in anew}
            rejected = {shot: some for shot, some in before.rejected.items() if shot not in anew}
            self._cast_as(CastFacts(chosen=chosen, rejected=rejected))
        return True

    def _want_film(self) -> None:
        self.published = False
        left_out = self.board.memo.same("dropped", self.board.pins.get("dropped", {}))
        self.scenes = self.board.memo("scenes", _remaining, self.story, left_out)
        if not self.scenes:
            self.board.final[""] = self._why_empty(left_out)
            return
        narrations = self._narrations()
        footage = self._footage()
        self._render(narrations, footage)

    # sound

    def _narrations(self) -> dict[str, Narration]:
        """Narrations by scene, as far as they are there."""
        pace = self.board.memo.same("pace", self.board.pin("pace", self.story.pace))
        found: dict[str, Narration] = {}
        for scene in self.scenes:
            if scene.narration:
                name = f"speak:{scene.id}"
                narration = self.board.want("speak", name, specs.speak, scene, self.story, self.request, pace)
                if narration is not None:
                    found[scene.id] = narration
        return found

    def _layout(self, narrations: dict[str, Narration]) -> tuple[Iterable[Slot], Layout | None]:
        """The slots that are known, and the layout once all are."""
        memo, scenes, fps = self.board.memo, self.scenes, self.profile.fps
        whole = all(scene.id in narrations for scene in scenes if scene.narration)
        target = self.story.duration_target
        if target is None:
            slots = [
                memo(("slot", scene.id), slot_of, scene, narrations.get(scene.id), scene is scenes[0], last, fps)
                for scene, last in zip(scenes, [*[False] * (len(scenes) - 1), True], strict=True)
                if not scene.narration or scene.id in narrations
            ]
            return slots, memo("row", _in_a_row, *slots) if whole else None
        if not whole:
            return (), None
        pace = self.board.pins["pace"]
        layout = memo("layout", _laid_out, target, scenes, fps, memo.same("pace", pace), *narrations.values())
        return (layout.slots, layout) if self._paced(layout) else ((), None)

    def _paced(self, layout: Layout) -> bool:
        """False while the words are spoken once more, at a pace that fits the target better. Once for every script."""
        pins = self.board.pins
        script = self.board.memo("script", _script, self.story, self.request)
        if pins.get("paced") == script:
            return True
        pins["paced"] = script
        if layout.pace is None:
            return True
        pins["pace"] = layout.pace
        self._narrations()
        return False

    # pictures

    def _footage(self) -> dict[str, Footage]:
        """Footage by shot, as far as it is there."""
        self._chosen = self._choose()
        found: dict[str, Footage] = {}
        for shot, candidate in self._chosen.items():
            footage = self.board.want("acquire", f"acquire:{shot}", specs.acquire, candidate, self.full)
            if footage is not None:
                found[shot] = footage
        return found

    def _choose(self) -> dict[str, Candidate]:
        """What each shot shows, as far as it is settled."""
        memo = self.board.memo
        text = self._casting_text()
        own, self._searched = memo("shots", _divided, self.scenes, text)
        lists = self._search()
        if not lists:
            return own
        chosen, facts = memo("cast", _cast, self.story, self._searched, text, own, *lists)
        if facts is not None:
            self._cast_as(facts)
        return chosen

    def _search(self) -> list[tuple[Candidate, ...] | None]:
        """What was found for each shot that needs it; None for those whose search has not ended."""
        sources = self.board.pin("sources", list(self.request.footage.sources) or list(self.board.fleet.sources))
        if not sources and self._searched:
            self.board.offers.waits = True
            return []
        sources = self.board.memo.same("sources", tuple(sources or ()))
        return [self._candidates(scene, shot, sources) for scene, shot in self._searched]

    def _candidates(self, scene: Scene, shot: Shot, sources: tuple[Any, ...]) -> tuple[Candidate, ...] | None:
        name = f"search:{shot.id}"
        facts: SearchFacts | None = self.board.want(
            "search", name, specs.search, scene, shot, self.story, self.request, self.full, sources
        )
        if facts is None:
            # A shot nobody has anything for gets scenery.
            return () if self.board.final.pop(name, None) is not None else None
        found = self._body(CandidateList, facts.candidates)
        return found.candidates if found is not None else None

    def _casting_text(self) -> str:
        step = self.board.steps.get("cast")
        return step.facts if step is not None else ""

    def _casting(self) -> CastFacts:
        return _cast_facts(self._casting_text())

    def _cast_as(self, facts: CastFacts) -> None:
        self.board.settle("cast", fingerprint("cast", facts), facts)

    # the film

    def _render(self, narrations: dict[str, Narration], footage: dict[str, Footage]) -> None:
        memo, request, profile = self.board.memo, self.request, self.profile
        slots, layout = self._layout(narrations)
        segments = self._segments(slots, narrations, footage)
        if layout is None:
            return
        self._describe(layout)
        spoken = memo("spoken", _together, *(narrations.get(scene.id) for scene in self.scenes))
        if self._held_up and not self._has_mix():
            return  # it would take the place of segments that can begin in a moment
        mix: MixFacts | None = self.board.want("mix", "mix", specs.mix, layout, spoken, self.story, request, self.sound)
        if mix is None or not all(facts is not None for facts in segments):
            return
        pictures, cuts = memo("pictures", _together, *segments), memo("cuts", _together, *self._cuts)
        told = layout, spoken, pictures, cuts, mix, self.story, request, profile
        film = self.board.want("assemble", "assemble", specs.assemble, *told)
        if film is not None:
            job_id = memo.same("job", self.board.job.id)
            self.published = self.board.want("publish", "publish", specs.publish, job_id, film) is not None

    def _has_mix(self) -> bool:
        step = self.board.steps.get("mix")
        return step is not None and bool(step.facts)

    def _segments(
        self, slots: Iterable[Slot], narrations: dict[str, Narration], footage: dict[str, Footage]
    ) -> list[tuple[SegmentFacts, ...] | None]:
        """The segments of each slot; None for a scene of which one is not there yet."""
        known = {slot.scene.id: slot for slot in slots}
        credit = self._credits(footage)
        self._parts, self._cuts, self._held_up = {}, [], False
        made = []
        for scene, after in zip(self.scenes, (*self.scenes[1:], None), strict=False):
            if scene.id in known:
                slot, narration = known[scene.id], narrations.get(scene.id)
                leads_to = self._after(scene, after, known, credit, footage)
                made.append(self._scene(slot, narration, leads_to, credit, footage))
        return made

    def _scene(
        self,
        slot: Slot,
        narration: Narration | None,
        after: After,
        credit: tuple[str, ...] | None,
        footage: dict[str, Footage],
    ) -> tuple[SegmentFacts, ...] | None:
        """The segments of one scene; if there are several, they are joined, so that it can be watched by itself."""
        memo, name = self.board.memo, slot.scene.id
        credit = credit if slot.scene.credits else ()
        parts = memo(("parts", name), _parts, slot, self.canvas, self.profile)
        self._parts[name] = len(parts)
        facts = [
            self._segment(
                slot, part, len(parts) == 1, narration, after if part is parts[-1] else NOTHING, credit, footage
            )
            for part in parts
        ]
        if credit is None or not all(one is not None for one in facts):
            return None
        segments: tuple[SegmentFacts, ...] = memo(("segments", name), _together, *facts)
        media = [footage[slot.scene.shots[index].id] for index, _ in slot.shots]
        told = slot, after.shown, credit, self.request, self.profile
        self._cuts.append(memo(("cut", name), specs.cut, *told, *media))
        if len(parts) > 1:
            inputs = slot, segments, narration, self.profile
            if self.board.want("scene", f"scene:{name}", specs.scene, *inputs) is None:
                return None
        return segments

    def _segment(
        self,
        slot: Slot,
        part: Part,
        alone: bool,
        narration: Narration | None,
        after: After,
        credit: tuple[str, ...] | None,
        footage: dict[str, Footage],
    ) -> SegmentFacts | None:
        media = [footage.get(slot.scene.shots[slot.shots[piece.place][0]].id) for piece in part.pieces]
        if after.awaited or credit is None or not all(one is not None for one in media):
            self._held_up = True
            return None
        inputs = (slot, part, alone, narration, after.shown, credit, self.story, self.request, self.profile, *media)
        name = f"segment:{slot.scene.id}.{part.number}"
        facts: SegmentFacts | None = self.board.want("segment", name, specs.segment, *inputs)
        return facts

    def _after(
        self,
        scene: Scene,
        after: Scene | None,
        known: dict[str, Slot],
        credit: tuple[str, ...] | None,
        footage: dict[str, Footage],
    ) -> After:
        """What the transition out of a scene needs of the next one; nothing for a cut."""
        if after is None or timeline.transition_into(after, self.request) == "cut":
            return NOTHING
        slot, first = known.get(after.id), footage.get(after.shots[0].id)
        # Without a text of its own, a card is there only if there is somebody to name.
        lines = credit if after.credits and after.card is not None and not after.card.text else ()
        if slot is None or first is None or lines is None:
            return After(None, awaited=True)
        return After(self.board.memo(("after", scene.id), _together, slot, first, lines))

    def _credits(self, footage: dict[str, Footage]) -> tuple[str, ...] | None:
        """Whom an end card names; None until everything that the film shows is there."""
        shots = [shot.id for scene in self.scenes for shot in scene.shots]
        if not any(scene.credits for scene in self.scenes):
            return ()
        if not all(shot in footage for shot in shots):
            return None
        return self.board.memo("credits", _credited, *(footage[shot] for shot in shots))

    def _describe(self, layout: Layout) -> None:
        script = self.board.memo("letters", timeline.script_note, self.request, self.story)
        self.board.pins["note"] = " ".join(note for note in (layout.note, script) if note)
        self.board.pins["seconds"] = round(layout.frames / self.profile.fps, 3)

    # what failed

    def _mend(self) -> bool:
        """Settles what failed for good and need not end the job. True when something else is wanted now."""
        mended = [self._mended(step, failure) for step, failure in self.board.final.items()]
        return any(mended)

    def _mended(self, step: str, failure: Failure) -> bool:
        kind, _, place = step.partition(":")
        scene, policy = place.partition(".")[0], self.request.on_scene_failure
        if kind not in ("speak", "acquire", "segment"):
            return False
        if kind == "acquire":
            candidate = self._chosen[place]
            own = candidate.media is not None
            if policy == "fallback" if own else candidate.kind != "scenery":
                self._reject({place: candidate}, failure.message)
                return True
        if policy == "fail" or self._of_the_mark(failure):
            return False
        pictures = self._replaceable(scene, failure.subject) if kind == "segment" and policy == "fallback" else {}
        if pictures:
            self._reject(pictures, UNRENDERABLE + failure.message)
        else:
            self._leave_out(scene, self._placed(step, failure))
        return True

    def _of_the_mark(self, failure: Failure) -> bool:
        """Whether every scene will fail like this, whatever it shows."""
        mark = self.story.watermark
        return failure.subject == WATERMARK or (mark is not None and mark.key in failure.missing.split())

    def _replaceable(self, scene: str, blamed: str) -> dict[str, Candidate]:
        """What something else can be shown for: the shot that is to blame, or all of the scene if that is not known."""
        shots = [blamed] if blamed else [shot.id for one in self.scenes if one.id == scene for shot in one.shots]
        shown = {shot: self._chosen.get(shot) for shot in shots}
        return {shot: one for shot, one in shown.items() if one is not None and one.kind != "scenery"}

    def _reject(self, unusable: dict[str, Candidate], why: str) -> None:
        before = self._casting()
        new = {
            shot: (*before.rejected.get(shot, ()), Rejection(candidate=one.id, why=why))
            for shot, one in unusable.items()
        }
        self._cast_as(CastFacts(chosen=before.chosen, rejected={**before.rejected, **new}))

    def _leave_out(self, scene: str, failure: Failure) -> None:
        left_out = self.board.pins.get("dropped", {})
        if scene not in left_out:
            self.board.pins["dropped"] = {**left_out, scene: failure.message}
            self._left_out[scene] = failure

    def _why_empty(self, left_out: dict[str, str]) -> Failure:
        first = next(scene.id for scene in self.story.scenes)
        return self._left_out.get(first) or Failure(code="no_scene_left", message=left_out[first])

    def _placed(self, step: str, failure: Failure) -> Failure:
        """The failure with the scene it happened in, counted as people count."""
        scene = step.partition(":")[2].partition(".")[0]
        told = failure.message
        if scene and not self._of_the_mark(failure):
            place = [one.id for one in self.story.scenes].index(scene) + 1
            told = f"scene {place}: {told}"
        return failure.model_copy(update={"message": told, "step": step or failure.step})

    def _body(self, kind: type[Body], ref: ObjectRef) -> Body | None:
        data = self.board.body(ref)
        if data is None:
            return None
        return self.board.memo(("body", ref.key), _parsed, kind, data)


# what is derived from the storyboard


def _remaining(story: Storyboard, left_out: dict[str, str]) -> tuple[Scene, ...]:
    return tuple(scene for scene in story.scenes if scene.id not in left_out)


def _expected(
    story: Storyboard,
    scenes: tuple[Scene, ...],
    searched: tuple[tuple[Scene, Shot], ...],
    parts: dict[str, int],
) -> tuple[frozenset[str], frozenset[str]]:
    """All steps of the film but `plan`, and those of scenes that were left out of it."""
    searches = {f"search:{shot.id}" for _, shot in searched}
    wanted = {name for scene in scenes for name in _steps_of(scene, parts)}
    expected = {name for name in wanted if not name.startswith("search:")} | searches
    kept = {scene.id for scene in scenes}
    left_out = {name for scene in story.scenes if scene.id not in kept for name in _steps_of(scene, parts)}
    return frozenset(expected | {"mix", "assemble", "publish"}), frozenset(left_out)


def _inputs(scenes: tuple[Scene, ...], parts: dict[str, int], request: VideoRequest) -> dict[str, frozenset[str]]:
    """For the steps that are given objects: which steps these come from."""
    found: dict[str, frozenset[str]] = {}
    spoken = frozenset(f"speak:{scene.id}" for scene in scenes if scene.narration)
    rendered: list[str] = []
    for scene, after in zip(scenes, (*scenes[1:], None), strict=False):
        footage = {f"acquire:{shot.id}" for shot in scene.shots}
        if after is not None and timeline.transition_into(after, request) != "cut":
            footage.add(f"acquire:{after.shots[0].id}")
        names, said = _segments(scene, parts), spoken & {f"speak:{scene.id}"}
        found |= dict.fromkeys(names, frozenset(footage | said))
        if len(names) > 1:
            found[f"scene:{scene.id}"] = frozenset(names) | said
        rendered += names
    return {**found, "mix": spoken, "assemble": frozenset([*rendered, "mix"]), "publish": frozenset(["assemble"])}


def _segments(scene: Scene, parts: dict[str, int]) -> list[str]:
    return [f"segment:{scene.id}.{number}" for number in range(parts.get(scene.id, 1))]


def _steps_of(scene: Scene, parts: dict[str, int]) -> list[str]:
    spoken = [f"speak:{scene.id}"] if scene.narration else []
    joined = [f"scene:{scene.id}"] if parts.get(scene.id, 1) > 1 else []
    return [
        *spoken,
        *(f"{kind}:{shot.id}" for kind in ("search", "acquire") for shot in scene.shots),
        *_segments(scene, parts),
        *joined,
    ]


def _script(story: Storyboard, request: VideoRequest) -> str:
    """The name of what is spoken, and of how long that should take."""
    said = [scene.narration for scene in story.scenes]
    return fingerprint(story.duration_target, story.voice_or(request.voice), said)


def _changed_shots(base: Storyboard, story: Storyboard) -> set[str]:
    """Shots that are to show something else than in `base`."""
    before = {shot.id: (shot.show, shot.terms, shot.media) for scene in base.scenes for shot in scene.shots}
    shots = (shot for scene in story.scenes for shot in scene.shots)
    return {shot.id for shot in shots if before.get(shot.id) != (shot.show, shot.terms, shot.media)}


# casting


def _divided(scenes: tuple[Scene, ...], casting: str) -> tuple[dict[str, Candidate], tuple[tuple[Scene, Shot], ...]]:
    """The user's own media by shot, and the shots something must be found for."""
    rejected = _cast_facts(casting).rejected
    own: dict[str, Candidate] = {}
    searched = []
    for scene in scenes:
        for shot in scene.shots:
            media = timeline.own_media(shot) if shot.media is not None else None
            if media is None or any(one.candidate == media.id for one in rejected.get(shot.id, ())):
                searched.append((scene, shot))
            else:
                own[shot.id] = media
    return own, tuple(searched)


def _cast(
    story: Storyboard,
    searched: tuple[tuple[Scene, Shot], ...],
    casting: str,
    own: dict[str, Candidate],
    *lists: tuple[Candidate, ...] | None,
) -> tuple[dict[str, Candidate], CastFacts | None]:
    """What each shot shows, and the casting to record if it is another than the one before.

    A shot keeps what it has as soon as its search has ended; who has nothing yet is cast when all searches have.
    """
    before = _cast_facts(casting)
    found = [(shot, some) for (_, shot), some in zip(searched, lists, strict=True) if some is not None]
    # What could not be had for one shot cannot be had for any; what could not be rendered may do in another scene.
    unusable = {one.candidate for some in before.rejected.values() for one in some if not one.unrendered}
    chosen = cast([_call(shot, candidates, before, unusable) for shot, candidates in found])
    if len(found) < len(searched):
        chosen = {shot: one for shot, one in chosen.items() if before.chosen.get(shot) == one.id}
    shots = {shot.id for scene in story.scenes for shot in scene.shots}
    kept = {shot: one for shot, one in before.chosen.items() if shot in shots}
    now = {shot: one.id for shot, one in chosen.items()}
    facts = CastFacts(chosen=kept | now, rejected=before.rejected)
    return own | chosen, facts if facts != before else None


def _call(shot: Shot, candidates: tuple[Candidate, ...], before: CastFacts, unusable: set[str]) -> Call:
    spoilt = {one.candidate for one in before.rejected.get(shot.id, ()) if one.unrendered}
    return Call(
        shot=shot.id,
        candidates=candidates,
        kept=before.chosen.get(shot.id),
        pick=shot.pick,
        avoid=shot.avoid,
        rejected=unusable | spoilt,
        seed=shot.seed,
        scenery_only=len(spoilt) >= RENDERINGS,
    )


def _cast_facts(text: str) -> CastFacts:
    return parse_facts("cast", text) if text else CastFacts()


# values for the memo


def _profiles(canvas: Canvas, request: VideoRequest, story: Storyboard) -> tuple[Profile, Profile, SoundProfile]:
    quality = story.quality or request.rendering
    full = canvas.profile(request, "standard" if quality == "draft" else quality)
    return canvas.profile(request, quality), full, canvas.sound(request, quality)


def _parts(slot: Slot, canvas: Canvas, profile: Profile) -> tuple[Part, ...]:
    return parts_of(slot, round(canvas.longest_segment * profile.fps))


def _credited(*footage: Footage) -> tuple[str, ...]:
    return timeline.credit_lines(footage)


def _parsed(kind: type[Body], data: bytes) -> Body:
    return kind.model_validate_json(data)


def _together(*values: Any) -> tuple[Any, ...]:
    return values


def _in_a_row(*slots: Slot) -> Layout:
    return Layout(slots)


def _laid_out(target: float, scenes: tuple[Scene, ...], fps: int, pace: float, *narrations: Narration) -> Layout:
    spoken = [scene.id for scene in scenes if scene.narration]
    return lay_out(scenes, dict(zip(spoken, narrations, strict=True)), target, fps, pace)


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)
