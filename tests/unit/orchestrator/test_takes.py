"""Films that users have spoken themselves: how a recording is cut to scenes, and whole jobs with one."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.contracts.edit import EditRequest
from common.contracts.names import StepName
from common.contracts.narration import Word
from common.contracts.recordings import CHUNK, Transcript
from common.contracts.request import VideoRequest
from common.contracts.storyboard import words_of
from common.errors import Permanent
from orchestrator.planners import takes
from tests.support.sim import Sim

ASSET = "ast_" + "0" * 32
OTHER = "ast_" + "1" * 32
SCRIPT = "Bees are small, and they matter to us all. Without them most orchards would be bare by the summer."
SECOND = 48_000
OF_SCRIPT = VideoRequest(script=SCRIPT, recording=ASSET)


def transcript(text: str, begin: float = 1.0, each: float = 0.5, gaps: dict[int, float] | None = None) -> Transcript:
    """Words of `each` second one after the other; before some of them is a pause."""
    at, words = begin, []
    for index, word in enumerate(words_of(text)):
        at += (gaps or {}).get(index, 0.0)
        words.append(Word(text=word, start=round(at * SECOND), end=round((at + each) * SECOND)))
        at += each
    samples = round((at + 1.0) * SECOND)
    chunks = tuple(ref(number) for number in range(-(-samples // CHUNK)))
    return Transcript(language="en", words=tuple(words), samples=samples, chunks=chunks, timed_by="hand")


def ref(number: int) -> Any:
    return {"key": f"local/recording/{number}", "sha256": "0" * 64, "size": 1, "media_type": "audio/wav"}


def test_each_scene_takes_its_words_and_a_pause_is_parted_in_the_middle() -> None:
    said = transcript(SCRIPT, gaps={9: 0.2})
    first, second = (scene.take for scene in takes.plan(OF_SCRIPT, {"": said}).scenes)
    assert first is not None
    assert second is not None
    assert [word.text for word in first.words] == words_of(SCRIPT)[:9]
    assert first.start == said.words[0].start - takes.LEAD
    assert second.start == said.words[8].end + round(0.1 * SECOND), "the middle of the pause"
    assert first.start + first.samples == second.start
    assert second.words[0].start == said.words[9].start - second.start
    assert second.start + second.samples == said.words[-1].end + takes.TAIL


def test_a_long_pause_between_scenes_is_left_out() -> None:
    said = transcript(SCRIPT, gaps={9: 5.0})
    first, second = (scene.take for scene in takes.plan(OF_SCRIPT, {"": said}).scenes)
    assert first is not None
    assert second is not None
    assert first.samples == takes.LEAD + round(4.5 * SECOND) + takes.TAIL
    assert second.words[0].start == takes.LEAD


def test_a_take_names_only_the_parts_that_it_lies_in() -> None:
    text = " ".join(f"Sentence {number} is about the sea and the wind over the land." for number in range(60))
    said = transcript(text)
    board = takes.plan(VideoRequest(script=text, recording=ASSET), {"": said})
    for scene in board.scenes:
        assert scene.take is not None
        first = said.chunks.index(scene.take.chunks[0])
        begin, end = first * CHUNK + scene.take.start, first * CHUNK + scene.take.start + scene.take.samples
        assert 0 <= scene.take.start < CHUNK
        assert len(scene.take.chunks) == (end - 1) // CHUNK - begin // CHUNK + 1
    assert {chunk for scene in board.scenes for chunk in scene.take.chunks} == set(said.chunks)  # type: ignore[union-attr]


def test_without_a_script_the_film_is_of_what_was_said() -> None:
    board = takes.plan(VideoRequest(recording=ASSET), {"": transcript(SCRIPT)})
    assert " ".join(scene.narration for scene in board.scenes) == SCRIPT
    assert all(scene.take for scene in board.scenes)


def test_scenes_may_have_recordings_of_their_own_and_others_are_spoken() -> None:
    request = VideoRequest.model_validate(
        {
            "scenes": [
                {"narration": "Bees are small.", "recording": ASSET},
                {"recording": OTHER},
                {"narration": "Spoken."},
                {"show": "the sea"},
            ]
        }
    )
    said = {"s1": transcript("Bees are small."), "s2": transcript("What I said.")}
    board = takes.plan(request, said)
    assert [scene.narration for scene in board.scenes] == ["Bees are small.", "What I said.", "Spoken.", ""]
    assert [scene.take is not None for scene in board.scenes] == [True, True, False, False]


@pytest.mark.parametrize(
    ("body", "where"),
    [({"recording": ASSET}, "recording"), ({"scenes": [{"recording": ASSET}]}, "scenes[0].recording")],
)
def test_a_recording_in_which_nothing_is_understood_is_named(body: dict[str, Any], where: str) -> None:
    silent = transcript("")
    request = VideoRequest.model_validate(body)
    with pytest.raises(Permanent) as error:
        takes.plan(request, {"" if where == "recording" else "s1": silent})
    assert str(error.value).startswith(f"{where}: nothing is said")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": "Bees", "recording": ASSET}, "give the words as script"),
        ({"scenes": [{"narration": "a", "recording": ASSET}], "recording": OTHER}, "not both"),
        ({"scenes": [{"show": "the sea"}], "recording": ASSET}, "no scene has a narration"),
        ({"script": "a", "scenes": [{"narration": "a"}], "recording": ASSET}, "exactly one"),
        ({}, "exactly one"),
        ({"script": "a", "recording": "bees.wav"}, "String should match"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_cure(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        VideoRequest.model_validate(body)


def test_an_edit_adds_no_recording() -> None:
    with pytest.raises(ValidationError, match="an edit cannot add one"):
        EditRequest.model_validate({"version": 1, "add": [{"narration": "a", "recording": ASSET}]})


# whole jobs


def narrations(sim: Sim) -> list[str]:
    return sorted(
        name for name, step in sim.job.steps.items() if StepName(name).kind in ("speak", "take") and step.facts
    )


def test_a_film_is_cut_to_its_recording() -> None:
    sim = Sim(OF_SCRIPT)
    sim.look()
    assert (sim.names("ready"), sim.job.state) == (["fit"], "queued")
    sim.run()
    assert sim.job.state == "completed"
    assert narrations(sim) == ["take:s1", "take:s2"]
    assert sim.job.pins.casts == {}, "nobody else speaks"


def test_the_film_of_a_recording_is_planned_when_it_is_timed() -> None:
    sim = Sim(OF_SCRIPT)
    sim.look()
    token = sim.claim("fit")
    assert token is not None
    sim.look()
    assert (sim.job.state, "plan" in sim.job.steps) == ("planning", False)
    assert sim.commit("fit", token)
    sim.look()
    assert "plan" in sim.names("ready")


def test_without_words_the_recording_is_listened_to_first() -> None:
    sim = Sim(VideoRequest(recording=ASSET))
    sim.look()
    assert (sim.names("ready"), sim.job.state) == (["hear"], "queued")
    sim.run()
    assert sim.job.state == "completed"
    assert sim.ran[:3] == ["hear", "fit", "plan"]
    story = sim.spec("take:s1").take.words
    assert " ".join(word.text for word in story).startswith("What was heard.")


def test_recordings_of_scenes_are_timed_side_by_side() -> None:
    scenes = [{"narration": "One two.", "recording": ASSET}, {"narration": "Three four.", "recording": OTHER}]
    sim = Sim(VideoRequest.model_validate({"scenes": [*scenes, {"narration": "Five six."}]}))
    sim.look()
    assert sim.names("ready") == ["fit:s1", "fit:s2"]
    sim.run()
    assert sim.job.state == "completed"
    assert narrations(sim) == ["speak:s3", "take:s1", "take:s2"]


@pytest.mark.parametrize(
    ("change", "spoken"),
    [
        ({"narration": "Other words are spoken."}, ["speak:s1", "take:s2"]),
        ({"voice": "f3"}, ["speak:s1", "take:s2"]),
        ({"show": "a hive"}, ["take:s1", "take:s2"]),
        ({"duration": 9.0}, ["take:s1", "take:s2"]),
    ],
    ids=["words", "voice", "picture", "length"],
)
def test_an_edit_keeps_the_recording_unless_it_is_of_other_words(change: dict[str, Any], spoken: list[str]) -> None:
    sim = Sim(OF_SCRIPT)
    sim.run()
    before = len(sim.ran)
    sim.edit(scenes=[{"id": "s1", **change}])
    sim.run()
    assert sim.job.state == "completed"
    done = [name for name in narrations(sim) if sim.job.steps[name].state == "done"]
    assert done == spoken
    assert not {"fit", "take:s2"} & set(sim.ran[before:]), "what is the same is not done again"


def test_a_recording_whose_parts_are_lost_is_timed_again() -> None:
    sim = Sim(OF_SCRIPT)
    sim.run(until=lambda sim: "take:s1" in sim.names("ready"))
    for key in [key for key in sim.objects if "recording" in key]:
        del sim.objects[key]
    sim.run()
    assert sim.job.state == "completed"
    assert sim.ran.count("fit") == 2
