"""How long the voice rests between the scenes of a film. Pure."""

from collections.abc import Sequence

from common.contracts.storyboard import Scene
from common.prose import sentences
from common.rhythm import rest_after


def rests(scenes: Sequence[Scene]) -> tuple[float, ...]:
    """Seconds of rest after the words of each scene; 0 for a scene without words."""
    return tuple(_rest(scenes, place) for place in range(len(scenes)))


def _rest(scenes: Sequence[Scene], place: int) -> float:
    said = sentences(scenes[place].narration)
    if not said:
        return 0.0
    following = scenes[place + 1] if place + 1 < len(scenes) else None
    if following is None or not following.narration:
        return rest_after(said[-1])
    last = ends_words(scenes, following) and len(sentences(following.narration)) == 1
    return rest_after(said[-1], paragraph=following.paragraph, last=last)


def ends_words(scenes: Sequence[Scene], scene: Scene) -> bool:
    """True if nothing is said after the scene; then the last sentence of the film is in it."""
    spoken = (one.id for one in reversed(scenes) if one.narration)
    return next(spoken, None) == scene.id
