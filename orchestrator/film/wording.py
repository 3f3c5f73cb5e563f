"""Words a film shows: captions, cards, credits, watermark. Pure."""

from collections.abc import Iterator, Sequence

from common.contracts.footage import Footage
from common.contracts.narration import Narration, Word
from common.contracts.storyboard import Scene
from common.contracts.timeline import Card, SpokenScene
from common.letters import bundled
from orchestrator.film.brief import Brief
from orchestrator.film.layout import Layout, Placement


def speech(layout: Layout, narrations: Sequence[Narration | None]) -> tuple[SpokenScene, ...]:
    """The words of each narrated scene. `narrations` has one entry per placement."""
    return tuple(
        SpokenScene(start=start, frames=placement.frames, words=spoken_words(placement, narration))
        for placement, start, narration in narrated(layout, narrations)
    )


def script_note(brief: Brief) -> str:
    """A note about words drawn in a script that the bundled font lacks; empty if there are none."""
    scenes = brief.story.scenes
    drawn = [brief.watermark.text] if brief.watermark is not None else []
    drawn += [text for scene in scenes if scene.card for text in (scene.card.text, scene.card.subtitle)]
    said = [scene.narration for scene in scenes] if brief.burned is not None else []
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


def credit_lines(footage: Sequence[Footage]) -> tuple[str, ...]:
    """The credits for the footage of a film: each line once, in the order of the film."""
    lines = (one.provenance.credit or one.provenance.creator for one in footage)
    return tuple(dict.fromkeys(line for line in lines if line))


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
