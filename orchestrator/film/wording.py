"""Words a film shows: captions, cards, credits, watermark. Pure."""

from collections.abc import Iterator, Sequence

from common.contracts.footage import Footage
from common.contracts.narration import Narration, Word
from common.contracts.request import VideoRequest
from common.contracts.storyboard import Scene, Storyboard
from common.contracts.timeline import (
    Card,
    PlacedWatermark,
    Profile,
    SpokenScene,
    TextFrame,
)
from common.letters import bundled
from orchestrator.film.layout import Layout, Placement


def speech(layout: Layout, narrations: Sequence[Narration | None]) -> tuple[SpokenScene, ...]:
    """The words of each narrated scene. `narrations` has one entry per placement."""
    return tuple(
        SpokenScene(start=start, frames=placement.frames, words=spoken_words(placement, narration))
        for placement, start, narration in narrated(layout, narrations)
    )


def burned(request: VideoRequest, story: Storyboard, profile: Profile) -> TextFrame | None:
    """The look of captions in a film that has them in its pictures; the same for all scenes, spoken or not."""
    spoken = any(scene.narration for scene in story.scenes)
    return _text_frame(request, profile) if request.captions == "burn" and spoken else None


def caption_files(request: VideoRequest, profile: Profile) -> TextFrame | None:
    return _text_frame(request, profile) if request.captions != "none" else None


def _text_frame(request: VideoRequest, profile: Profile) -> TextFrame:
    return TextFrame(style=request.style, width=profile.width, height=profile.height)


def script_note(request: VideoRequest, story: Storyboard) -> str:
    """A note about words drawn in a script that the bundled font lacks; empty if there are none."""
    drawn = [request.watermark.text or ""] if request.watermark is not None else []
    drawn += [text for scene in story.scenes if scene.card for text in (scene.card.text, scene.card.subtitle)]
    said = [scene.narration for scene in story.scenes] if request.captions == "burn" else []
    foreign = [
        name
        for name, texts in (("captions", said), ("titles and marks", drawn))
        if any(letter.isalpha() and not bundled(letter) for text in texts for letter in text)
    ]
    if not foreign:
        return ""
    return (
        f"The {' and the '.join(foreign)} need a font for their script on the rendering machine, such as Noto; "
        "without it they show boxes."
    )


def watermark(request: VideoRequest, story: Storyboard) -> PlacedWatermark | None:
    """The watermark, if one is wanted."""
    wanted = request.watermark
    if wanted is None:
        return None
    return PlacedWatermark(
        media=story.watermark,
        text=wanted.text or "",
        position=wanted.position,
        opacity=wanted.opacity,
        size=wanted.size,
    )


def credit_lines(footage: Sequence[Footage]) -> tuple[str, ...]:
    """The credits for the footage of a film: each line once, in the order of the film."""
    told = (one.provenance.credit or one.provenance.creator for one in footage)
    return tuple(dict.fromkeys(line for line in told if line))


def card(scene: Scene, credit: Sequence[str]) -> Card | None:
    """The words over a scene that is a card; `credit` are the lines of the whole film.

    Also None for an end card with nobody to name and nothing else to say: its picture ends the film.
    """
    if scene.card is None:
        return None
    lines = tuple(credit) if scene.credits else ()
    return scene.card.model_copy(update={"lines": lines}) if lines or scene.card.text else None


def narrated(layout: Layout, narrations: Sequence[Narration | None]) -> Iterator[tuple[Placement, int, Narration]]:
    """The placements with a narration, and the frame of the film at which each begins."""
    for placement, start, narration in zip(layout.placements, layout.starts, narrations, strict=True):
        if narration is not None:
            yield placement, start, narration


def spoken_words(placement: Placement, narration: Narration) -> tuple[Word, ...]:
    """The words spoken in the placement, timed from its start."""
    late = placement.voice_offset
    return tuple(Word(text=word.text, start=word.start + late, end=word.end + late) for word in narration.words)
