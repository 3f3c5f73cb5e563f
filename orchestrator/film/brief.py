"""The brief of a film: the values that hold for it, resolved once from request, storyboard and defaults. Pure.

What the storyboard of a version says goes before the request, and the request before the style; nothing else in the
film asks which of them has the word.
"""

from typing import NamedTuple

from common.contracts.request import Fit, SceneFailure, Style, TransitionKind, VideoRequest
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard
from common.contracts.styles import DEFAULTS
from common.contracts.timeline import MusicCue, PlacedWatermark, TextFrame
from common.contracts.voice import Speaker
from orchestrator.film.profile import Profiles
from orchestrator.planners.rules import search_terms


class Query(NamedTuple):
    """The values a shot is searched with."""

    show: str
    "Empty for a shot of which nothing is known but the user's own file."
    terms: tuple[str, ...]
    seed: int


class Brief(NamedTuple):
    """The same object for as long as its parts are."""

    story: Storyboard
    scenes: tuple[Scene, ...]
    "Scenes that are in the film: all of the storyboard's but those left out."
    profiles: Profiles
    voice: str | None
    "Of scenes that name none. None: the usual one of the language."
    language: str
    speed: float
    "1.0 is the voice's own."
    pitch: float
    "Semitones above the voice's own."
    style: Style
    fit: Fit
    seed: int
    sources: tuple[str, ...]
    "Wanted sources of footage, in order of preference; empty: all that there are."
    on_scene_failure: SceneFailure
    burned: TextFrame | None
    "The look of captions in the picture; None: none are drawn."
    caption_files: TextFrame | None
    "The look by which captions are cut for files; None: there are no files."
    music: MusicCue | None
    watermark: PlacedWatermark | None
    transition: TransitionKind
    "Between scenes that name none."
    transition_frames: int

    @property
    def marked_by_picture(self) -> bool:
        return self.watermark is not None and self.watermark.media is not None

    def speaker(self, scene: Scene) -> Speaker:
        """Whom the narration of a scene asks for."""
        return Speaker(scene.voice or self.voice, self.language)

    def transition_into(self, scene: Scene) -> TransitionKind:
        """The transition into a scene that is not the first."""
        return scene.transition or self.transition

    def query(self, scene: Scene, shot: Shot) -> Query:
        show = "" if shot.show == UNNAMED else shot.show
        terms = shot.terms
        if not terms and shot.media is not None:
            # A shot that was to show the user's own media was never meant to be searched for.
            terms = search_terms(show, scene.narration, self.story.topic)
        return Query(show, terms, self.seed if shot.seed is None else shot.seed)


def resolve(request: VideoRequest, story: Storyboard, profiles: Profiles, scenes: tuple[Scene, ...]) -> Brief:
    picture = profiles.picture
    frame = TextFrame(style=request.style, width=picture.width, height=picture.height)
    spoken = any(scene.narration for scene in story.scenes)
    return Brief(
        story=story,
        scenes=scenes,
        profiles=profiles,
        voice=story.voice_or(request.voice),
        language=request.language,
        speed=request.speed if story.speed is None else story.speed,
        pitch=request.pitch if story.pitch is None else story.pitch,
        style=request.style,
        fit=request.footage.fit,
        seed=request.seed,
        sources=request.footage.sources,
        on_scene_failure=request.on_scene_failure,
        burned=frame if request.captions == "burn" and spoken else None,
        caption_files=frame if request.captions != "none" else None,
        music=_music(request, story),
        watermark=_watermark(request, story),
        transition=request.transition.kind or DEFAULTS[request.style].transition,
        transition_frames=round(request.transition.seconds * picture.fps),
    )


def _music(request: VideoRequest, story: Storyboard) -> MusicCue | None:
    """The bed: the user's file, or one composed to the mood asked for or the style's."""
    choice = request.music
    if not choice.enabled:
        return None
    mood = story.mood or choice.mood or DEFAULTS[request.style].mood
    return MusicCue(mood=mood, seed=request.seed, media=None if story.mood else story.music, volume=choice.volume)


def _watermark(request: VideoRequest, story: Storyboard) -> PlacedWatermark | None:
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
