"""Storyboards of films that users have spoken themselves: each scene takes its part of a recording. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from common.contracts.grid import SAMPLE_RATE
from common.contracts.narration import Word
from common.contracts.recordings import CHUNK, Take, Transcript
from common.contracts.request import VideoRequest
from common.contracts.storyboard import Scene, Storyboard, words_of
from common.errors import Permanent
from orchestrator.planners import rules

OF_FILM = ""
"The name of the film's recording among those of scenes."
LEAD, TAIL = round(0.15 * SAMPLE_RATE), round(0.3 * SAMPLE_RATE)
"Samples of a recording that are kept before the first and after the last word of a scene, where there is so much room."


def plan(request: VideoRequest, transcripts: Mapping[str, Transcript]) -> Storyboard:
    """The storyboard of a request with recordings, of each of which there is a transcript.

    Raises `Permanent` for a recording in which nothing is said.
    """
    board = rules.plan(_with_words(request, transcripts))
    taken = _of_film(board, transcripts[OF_FILM]) if OF_FILM in transcripts else _of_scenes(transcripts)
    scenes = tuple(scene.model_copy(update={"take": taken.get(scene.id)}) for scene in board.scenes)
    return board.model_copy(update={"scenes": scenes})


def _with_words(request: VideoRequest, transcripts: Mapping[str, Transcript]) -> VideoRequest:
    """The request with what is said in those recordings of which it gives no words."""
    if request.script is None and request.scenes is None:
        return request.model_copy(update={"script": _said(transcripts[OF_FILM], "recording")})
    if request.scenes is None:
        return request
    scenes = tuple(
        scene.model_copy(update={"narration": _said(transcripts[name], f"scenes[{index}].recording")})
        if (name := f"s{index + 1}") in transcripts and not scene.narration
        else scene
        for index, scene in enumerate(request.scenes)
    )
    return request.model_copy(update={"scenes": scenes})


def _said(transcript: Transcript, field: str) -> str:
    if not transcript.words:
        raise Permanent(f"{field}: nothing is said in it that could be understood; give the words as well")
    return " ".join(word.text for word in transcript.words)


def _of_film(board: Storyboard, transcript: Transcript) -> dict[str, Take]:
    """The part of each scene, in the order of the film; words between two scenes are parted in the middle."""
    spoken = [scene for scene in board.scenes if scene.narration]
    parts = list(_parts(spoken, transcript.words))
    borders = [0, *(_border(one[-1], other[0]) for one, other in pairwise(parts)), transcript.samples]
    return {
        scene.id: _take(transcript, part, limits)
        for scene, part, limits in zip(spoken, parts, pairwise(borders), strict=True)
    }


def _parts(scenes: Sequence[Scene], words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    begin = 0
    for scene in scenes:
        end = begin + len(words_of(scene.narration))
        if [word.text for word in words[begin:end]] != words_of(scene.narration):
            raise Permanent("recording: its words are not those of the script; make the film again")
        yield words[begin:end]
        begin = end


def _border(before: Word, after: Word) -> int:
    return (before.end + after.start) // 2


def _of_scenes(transcripts: Mapping[str, Transcript]) -> dict[str, Take]:
    return {
        name: _take(transcript, transcript.words, (0, transcript.samples))
        for name, transcript in transcripts.items()
        if transcript.words
    }


def _take(transcript: Transcript, words: Sequence[Word], limits: tuple[int, int]) -> Take:
    start, end = max(limits[0], words[0].start - LEAD), min(limits[1], words[-1].end + TAIL)
    first, last = start // CHUNK, (end - 1) // CHUNK
    return Take(
        chunks=transcript.chunks[first : last + 1],
        start=start - first * CHUNK,
        samples=end - start,
        words=tuple(Word(text=word.text, start=word.start - start, end=word.end - start) for word in words),
        timed_by=transcript.timed_by,
    )
