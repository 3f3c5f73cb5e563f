"""The values that hold for a film: the storyboard's before the request's, and the request's before the style's."""

from typing import Any

from common.contracts.base import ObjectRef
from common.contracts.request import MediaRef, VideoRequest
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard
from common.contracts.styles import DEFAULTS
from orchestrator.film.brief import Brief, Query, resolve
from orchestrator.film.profile import OutputDefaults, profiles

DEFAULT = OutputDefaults(resolution=1080)
SONG = ObjectRef(key="song", sha256="0" * 64, size=1, media_type="audio/mpeg")
CLIP = MediaRef(url="https://films.example/harbour.mp4")


def scene(narration: str = "One boat leaves.", **fields: Any) -> Scene:
    return Scene(id="s1", shots=(Shot(id="s1.1", show="a harbour"),), estimate=5.0, narration=narration, **fields)


def brief(request: dict[str, Any] | None = None, scenes: tuple[Scene, ...] = (scene(),), **story: Any) -> Brief:
    asked = VideoRequest(**({"prompt": "The sea."} | (request or {})))
    board = Storyboard(title="The sea", scenes=scenes, topic=("sea",), **story)
    return resolve(asked, board, profiles(DEFAULT, asked, board), scenes)


def test_what_an_edit_has_put_into_the_storyboard_goes_before_the_request() -> None:
    asked = {"voice": "en-us", "quality": "high", "music": {"mood": "calm"}}
    plain, edited = brief(asked), brief(asked, voice="en-gb", quality="draft", mood="playful")
    assert (plain.voice, edited.voice) == ("en-us", "en-gb")
    assert plain.profiles.picture != edited.profiles.picture
    assert [one.music.mood if one.music else None for one in (plain, edited)] == ["calm", "playful"]


def test_the_request_goes_before_the_style() -> None:
    plain, asked = brief({"style": "cinematic"}), brief({"style": "cinematic", "transition": "wipe"})
    assert plain.transition == DEFAULTS["cinematic"].transition != asked.transition == "wipe"
    assert plain.music is not None
    assert plain.music.mood == DEFAULTS["cinematic"].mood


def test_a_scene_goes_before_the_film() -> None:
    film = brief({"transition": "wipe"})
    assert film.transition_into(scene()) == "wipe"
    assert film.transition_into(scene(transition="cut")) == "cut"


def test_music_of_ones_own_is_played_until_an_edit_asks_for_a_mood() -> None:
    own, mood = brief(music=SONG), brief(music=SONG, mood="playful")
    assert [one.music.media if one.music else None for one in (own, mood)] == [SONG, None]
    assert brief({"music": False}, music=SONG).music is None


def test_captions_are_in_the_picture_in_a_film_that_speaks_and_in_files_unless_nobody_wants_them() -> None:
    found = {
        (captions, bool(said)): ((one := brief({"captions": captions}, (scene(said),))).burned, one.caption_files)
        for captions in ("burn", "file", "none")
        for said in ("One boat leaves.", "")
    }
    assert {key: tuple(frame is not None for frame in frames) for key, frames in found.items()} == {
        ("burn", True): (True, True),
        ("burn", False): (False, True),
        ("file", True): (False, True),
        ("file", False): (False, True),
        ("none", True): (False, False),
        ("none", False): (False, False),
    }


def test_a_shot_is_searched_with_its_own_words_and_seed_where_it_has_them() -> None:
    film = brief({"seed": 7})

    def of(**fields: Any) -> Query:
        return film.query(scene(), Shot(id="s1.1", **fields))

    assert of(show="a harbour", terms=("harbour",)) == Query("a harbour", ("harbour",), 7)
    assert of(show="a harbour", terms=("harbour",), seed=0).seed == 0
    assert of(show=UNNAMED, media=CLIP).show == ""
    assert of(show="a harbour", media=CLIP).terms, "it is searched for only when the user's own media cannot be shown"
