"""Steps that do nothing, with facts as large as those of real ones and a tiny object for each file they would make.

The product of a step is named after its work, and no two jobs are asked for the same, so nothing is ever reused.
"""

from collections.abc import Mapping
from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.footage import Candidate, CandidateList, Footage, Painted, Provenance, SceneryRecipe, WebFile
from common.contracts.narration import Narration, Word
from common.contracts.request import SceneRequest, TransitionChoice, VideoRequest
from common.contracts.steps import (
    AssembleFacts,
    MarkFacts,
    MixFacts,
    PlanFacts,
    PublishFacts,
    SearchFacts,
    SegmentFacts,
)
from common.contracts.storyboard import Scene, Shot, Storyboard, words_of
from common.documents import JSON, document_json, read_document
from common.worker.runner import Handler
from common.worker.steprun import StepRun

SPOKEN = "the tide comes in along the shore and carries the boats home"
WORD = 12_000
"Samples per word."
FOUND = 5
"Clips a search finds."
CLIP_SECONDS = 20.0


def film_request(name: str, scenes: int) -> VideoRequest:
    """A request whose every narration is spoken in no other film.

    Its scenes are cut: each can be rendered as soon as its own footage is there, whatever comes of the one before.
    """
    spoken = (SceneRequest(narration=f"{name} {number} {SPOKEN}") for number in range(scenes))
    return VideoRequest(scenes=tuple(spoken), transition=TransitionChoice(kind="cut"))


def plan(spec: Any, run: StepRun) -> PlanFacts:
    request = read_document(VideoRequest, run.read(spec.request))
    scenes = tuple(_scene(f"s{number}", one.narration) for number, one in enumerate(request.scenes or (), 1))
    story = Storyboard(title="Nothing", scenes=scenes, topic=("tide", "shore"), made=len(scenes))
    return PlanFacts(storyboard=run.keep_bytes("storyboard", document_json(story).encode(), JSON))


def speak(spec: Any, run: StepRun) -> Narration:
    spoken = enumerate(words_of(spec.text))
    words = tuple(Word(text=text, start=at * WORD, end=(at + 1) * WORD) for at, text in spoken)
    audio = _object(run, "narration", "audio/wav")
    return Narration(audio=audio, samples=len(words) * WORD, words=words, voice="none", engine="none", loudness=-18.0)


def search(spec: Any, run: StepRun) -> SearchFacts:
    found = [_clip(run.fingerprint, number) for number in range(FOUND)]
    body = CandidateList(candidates=(*found, _scenery(spec.query.seed)))
    candidates = run.keep_bytes("candidates", document_json(body).encode(), JSON)
    return SearchFacts(candidates=candidates, count=len(body.candidates))


def acquire(spec: Any, run: StepRun) -> Footage:
    media = _object(run, "footage", "video/mp4")
    one: Candidate = spec.candidate
    return Footage(
        kind="video", media=media, width=1920, height=1080, seconds=one.seconds, fps=30.0, provenance=one.provenance
    )


def mark(_: Any, run: StepRun) -> MarkFacts:
    return MarkFacts(media=_object(run, "mark", "image/png"), width=64, height=32)


def segment(spec: Any, run: StepRun) -> SegmentFacts:
    return SegmentFacts(media=_object(run, "segment", "video/mp4"), frames=spec.timeline.frames)


def mix(_: Any, run: StepRun) -> MixFacts:
    return MixFacts(media=_object(run, "mix", "audio/wav"), loudness=-14.0, true_peak=-1.6)


def assemble(spec: Any, run: StepRun) -> AssembleFacts:
    return AssembleFacts(
        media=_object(run, "film", "video/mp4"),
        thumbnail=_object(run, "thumbnail", "image/jpeg"),
        srt=_object(run, "srt", "application/x-subrip"),
        vtt=_object(run, "vtt", "text/vtt"),
        frames=sum(one.frames for one in spec.segments),
        width=spec.profile.width,
        height=spec.profile.height,
    )


def publish(spec: Any, run: StepRun) -> PublishFacts:
    return PublishFacts(video_key=f"{spec.job_id}/output.mp4", thumbnail_key=f"{spec.job_id}/thumbnail.jpg")


HANDLERS: Mapping[str, Handler] = {
    one.__name__: one for one in (plan, speak, search, acquire, mark, segment, mix, assemble, publish)
}


def _object(run: StepRun, kind: str, media_type: str) -> ObjectRef:
    return run.keep_bytes(kind, run.fingerprint.encode(), media_type)


def _scene(name: str, narration: str) -> Scene:
    shot = Shot(id=f"{name}.1", show=narration, terms=("tide shore", "boats home", "tide"))
    return Scene(id=name, narration=narration, shots=(shot,), estimate=4.0)


def _clip(work: str, number: int) -> Candidate:
    name = f"{work}-{number}"
    provenance = Provenance(
        provider="pexels",
        source_id=name,
        page_url=f"https://example.org/clips/{name}",
        creator=f"Creator {number}",
        licence="free",
        credit=f"Video by Creator {number}",
        fetched_at="2025-01-01T00:00:00Z",
    )
    return Candidate(
        id=f"pexels:{name}",
        kind="video",
        score=0.9 - number / 10,
        origin=WebFile(url=f"https://example.org/clips/{name}.mp4"),
        width=1920,
        height=1080,
        seconds=CLIP_SECONDS,
        provenance=provenance,
    )


def _scenery(seed: int) -> Candidate:
    recipe = SceneryRecipe(theme="ocean", light="day", seed=seed)
    return Candidate(
        id=f"scenery:ocean:day:{seed}",
        kind="scenery",
        score=0.1,
        origin=Painted(recipe=recipe),
        provenance=Provenance(provider="scenery", licence="generated"),
    )
