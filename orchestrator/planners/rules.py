"""The storyboard by rules: sentences become scenes, clauses become shots, content words become searches."""

import itertools
from collections.abc import Iterator, Sequence

from common.contracts.request import MediaRef, SceneRequest, VideoRequest
from common.contracts.storyboard import UNNAMED, Scene, Shot, Storyboard, words_of
from common.contracts.timeline import Card
from common.prose import Sentence, read, sentences, tidied
from common.rhythm import rest_after
from orchestrator.planners.rests import rests
from orchestrator.planners.text import clause_starts, content_words, frequent_words, without_instruction

PROMPT_SECONDS = 30.0
"Length of a film made from a one-line prompt, unless asked otherwise."
SHOT_SECONDS = 5.0
"Ideal length of a shot; much longer bores, much shorter flickers."
OPENING = 3.0
"Seconds of picture and music before the words of a one-line prompt."
TITLE_SECONDS = 3.5
CREDITS_SECONDS = 5.0
SHORTEST_SHOT = 2.2
LONGEST_SHOT = 6.5
SHORTEST_SCENE = 1.4
"Seconds; a sentence shorter than this shares a scene with the next one."
MOST_WORDS = 60
"A longer sentence is spoken in several scenes."
TOPIC = 40
"Most words in the topic of a film."
PACE_LIMITS = (0.85, 1.2)
CHARS_PER_SECOND = 14.0
"Speed of the default voice, at a pace of 1; the layout corrects it by the real narration."


def plan(request: VideoRequest) -> Storyboard:
    """The storyboard of a request. Deterministic; keeps every word the user wrote."""
    board = _board(request)
    scenes = _with_wishes(board.scenes, request)
    scenes, made = _with_cards(scenes, request)
    return board.model_copy(update={"scenes": scenes, "voice": request.voice, "made": made})


def _with_wishes(scenes: Sequence[Scene], request: VideoRequest) -> Sequence[Scene]:
    """The scenes with the transitions and voices that were asked for them."""
    if request.scenes is None:
        return scenes
    wanted = ({"transition": one.transition, "voice": one.voice} for one in request.scenes)
    return [scene.model_copy(update=wishes) for scene, wishes in zip(scenes, wanted, strict=True)]


def _with_cards(scenes: Sequence[Scene], request: VideoRequest) -> tuple[tuple[Scene, ...], int]:
    """The scenes between the cards that are wanted, and the highest number given.

    A card shows what its neighbour is about. Cards are numbered last, so that a user's scenes keep their numbers.
    """
    made, before, after = len(scenes), [], []
    if request.title is not None:
        made += 1
        words = Card(kind="title", text=request.title.text, subtitle=request.title.subtitle)
        before.append(_card_scene(f"s{made}", scenes[0], words, TITLE_SECONDS))
    if request.end_card is not None:
        made += 1
        seconds = CREDITS_SECONDS if request.end_card.credits else TITLE_SECONDS
        last = _card_scene(f"s{made}", scenes[-1], Card(kind="end", text=request.end_card.text), seconds)
        after.append(last.model_copy(update={"credits": request.end_card.credits}))
    return (*before, *scenes, *after), made


def _card_scene(name: str, neighbour: Scene, card: Card, seconds: float) -> Scene:
    near = neighbour.shots[0]
    shot = Shot(id=f"{name}.1", show=near.show, terms=near.terms)
    return Scene(id=name, shots=(shot,), min_seconds=seconds, estimate=seconds, card=card)


def plan_scene(
    scene: str,
    topic: Sequence[str],
    *,
    narration: str,
    show: str | None = None,
    media: MediaRef | None = None,
    duration: float | None = None,
) -> Scene:
    """One scene the user wrote: their media in one shot, or as many shots as its length bears.

    `topic` is that of the film. At least one of narration, show and media must be there.
    """
    text = tidied(narration)
    seconds = max(_scene_seconds(text) if text else SHOT_SECONDS, duration or 0.0)
    if media is not None:
        shots: tuple[Shot, ...] = (Shot(id=f"{scene}.1", show=show or text or UNNAMED, media=media),)
    elif text:
        plain = _narrated(scene, text, topic)
        shots = tuple(_showing(shot, show) for shot in plain.shots)
    else:
        shots = (Shot(id=f"{scene}.1", show=show or "", terms=search_terms(show or "", "", topic)),)
    return Scene(id=scene, narration=text, shots=shots, min_seconds=duration, estimate=round(seconds, 2))


def _board(request: VideoRequest) -> Storyboard:
    if request.scenes is not None:
        return _from_scenes(request.scenes, request.duration_target)
    text = request.script or without_instruction(request.prompt or "")
    found = read(text)
    if request.prompt is not None and len(found) == 1:
        return _from_one_line(found[0].text, request.duration_target or PROMPT_SECONDS)
    return _from_script(found, request.duration_target)


def speech_seconds(text: str) -> float:
    """A guess at how long a voice needs for `text`."""
    pauses = sum(text.count(mark) for mark in ",;:.!?—")
    # Scripts without an alphabet have about one syllable per character.
    wide = sum(1 for char in text if ord(char) >= 0x2E80)
    return (len(text) - wide) / CHARS_PER_SECOND + wide * 0.22 + pauses * 0.2


def _scene_seconds(text: str) -> float:
    """A guess at how long a scene with this narration lasts."""
    return speech_seconds(text) + rest_after(sentences(text)[-1])


def _from_script(found: list[Sentence], target: float | None) -> Storyboard:
    parts = _balanced(found)
    topic = frequent_words(" ".join(part.text for part in parts))[:TOPIC]
    scenes = [
        _narrated(f"s{number}", part.text, topic).model_copy(update={"paragraph": part.paragraph})
        for number, part in enumerate(parts, 1)
    ]
    return _storyboard(_title(parts[0].text), scenes, topic, target)


def _from_scenes(wanted: tuple[SceneRequest, ...], target: float | None) -> Storyboard:
    topic = frequent_words(" ".join(f"{scene.show or ''} {scene.narration}" for scene in wanted))[:TOPIC]
    scenes = [
        plan_scene(
            f"s{number}", topic, narration=scene.narration, show=scene.show, media=scene.media, duration=scene.duration
        )
        for number, scene in enumerate(wanted, 1)
    ]
    return _storyboard(_title(wanted[0].narration or wanted[0].show or "Film"), scenes, topic, target)


def _from_one_line(line: str, target: float) -> Storyboard:
    """An opening picture, the words over their own shots, and pictures for the rest of the time."""
    spoken = speech_seconds(line)
    rest = target - spoken
    pictures = max(0, round(rest / SHOT_SECONDS)) if rest > SHORTEST_SHOT else 0
    searches = _variations(line)
    before = 1 if pictures >= 2 else 0
    lengths = rest / pictures if pictures else 0.0
    scenes = [_picture(f"s{number}", next(searches), OPENING, OPENING) for number in range(1, before + 1)]
    topic = frequent_words(line)[:TOPIC]
    scenes.append(_narrated(f"s{before + 1}", line, topic))
    rest_of = range(before + 2, pictures + 2)
    scenes += [_picture(f"s{number}", next(searches), lengths) for number in rest_of]
    return _storyboard(_title(line), scenes, topic, target)


def _storyboard(title: str, scenes: list[Scene], topic: list[str], target: float | None) -> Storyboard:
    pace = 1.0
    spoken = sum(speech_seconds(scene.narration) for scene in scenes if scene.narration)
    if target is not None and spoken:
        silent = sum(scene.min_seconds or 1.5 for scene in scenes if not scene.narration)
        room = target - silent - sum(rests(scenes))
        # Only hurry for the target's sake; time left over is better filled with pictures than with drawling.
        pace = min(max(spoken / room, 1.0), PACE_LIMITS[1]) if room > 0 else PACE_LIMITS[1]
    return Storyboard(
        title=title, scenes=tuple(scenes), topic=tuple(topic), duration_target=target, pace=round(pace, 3)
    )


def _narrated(scene: str, text: str, topic: Sequence[str]) -> Scene:
    seconds = speech_seconds(text)
    words = words_of(text)
    starts = _shot_starts(words, seconds)
    shots = []
    for number, (start, end) in enumerate(itertools.pairwise([*starts, len(words)]), 1):
        part = " ".join(words[start:end])
        shots.append(Shot(id=f"{scene}.{number}", show=part, terms=search_terms(part, text, topic), from_word=start))
    return Scene(id=scene, narration=text, shots=tuple(shots), estimate=round(_scene_seconds(text), 2))


def _picture(scene: str, terms: tuple[str, ...], seconds: float, length: float | None = None) -> Scene:
    shot = Shot(id=f"{scene}.1", show=terms[0], terms=terms)
    return Scene(id=scene, shots=(shot,), min_seconds=length, estimate=round(seconds, 2))


def _showing(shot: Shot, show: str | None) -> Shot:
    if not show:
        return shot
    return shot.model_copy(update={"show": show, "terms": search_terms(show, "", [])})


def search_terms(part: str, whole: str, topic: Sequence[str]) -> tuple[str, ...]:
    """Search phrases for a shot, the most telling first, ending with the topic of the film."""
    words = content_words(part) or content_words(whole) or list(topic[:3])
    about = [f"{topic[0]} {words[0]}"] if topic and topic[0] not in words else []
    phrases = [" ".join(words[:3]), *about, " ".join(words[:2]), " ".join(words[-2:]), *words[:2], " ".join(topic[:3])]
    return tuple(dict.fromkeys(phrase for phrase in phrases if phrase))[:6]


def _shot_starts(words: list[str], seconds: float) -> list[int]:
    """Cuts at clause borders, so that no shot is much longer than a viewer likes or too short to see."""
    rate = seconds / max(1, len(words))
    starts = [0]
    borders = clause_starts(words)[1:]
    for index, border in enumerate(borders):
        following = borders[index + 1] if index + 1 < len(borders) else len(words)
        long_enough = (border - starts[-1]) * rate >= SHORTEST_SHOT and (len(words) - border) * rate >= SHORTEST_SHOT
        would_be_long = (following - starts[-1]) * rate > LONGEST_SHOT * 0.6
        if long_enough and would_be_long:
            starts.append(border)
    return _cut_long(starts, len(words), rate)


def _cut_long(starts: list[int], count: int, rate: float) -> list[int]:
    cut: list[int] = []
    for start, end in itertools.pairwise([*starts, count]):
        parts = max(1, round((end - start) * rate / LONGEST_SHOT + 0.3))
        cut += [start + (end - start) * part // parts for part in range(parts)]
    return sorted(set(cut)) or [0]


def _balanced(found: list[Sentence]) -> list[Sentence]:
    """Very short sentences join their neighbour in the paragraph, very long ones are divided at a clause."""
    paragraphs: list[list[str]] = []
    for sentence in found:
        if sentence.paragraph or not paragraphs:
            paragraphs.append([])
        paragraphs[-1].append(sentence.text)
    return [
        Sentence(text, paragraph=place == 0 and number > 0)
        for number, paragraph in enumerate(paragraphs)
        for place, text in enumerate(_joined(paragraph))
    ]


def _joined(found: list[str]) -> list[str]:
    texts: list[str] = []
    pending = ""
    for sentence in found:
        joined = f"{pending} {sentence}".strip()
        if speech_seconds(joined) < SHORTEST_SCENE:
            pending = joined
            continue
        texts += _divided(joined)
        pending = ""
    if pending:
        texts[-1:] = [f"{texts[-1]} {pending}"] if texts else [pending]
    return texts


def _divided(sentence: str) -> list[str]:
    words = words_of(sentence)
    if len(words) <= MOST_WORDS:
        return [sentence]
    middle = len(words) // 2
    borders = clause_starts(words)[1:] or [middle]
    border = min(borders, key=lambda start: abs(start - middle))
    return _divided(" ".join(words[:border])) + _divided(" ".join(words[border:]))


def _variations(line: str) -> Iterator[tuple[str, ...]]:
    """Search phrases for pictures without words: pairs of the words in the line, then each by itself."""
    words = content_words(line) or [line]
    pairs = [f"{one} {other}" for one, other in itertools.combinations(words[:5], 2)]
    phrases = [" ".join(words[:4]), *pairs[::-1], *words]
    unique = list(dict.fromkeys(phrases))
    return itertools.cycle([(phrase, *words[:3]) for phrase in unique])


def _title(text: str) -> str:
    words = words_of(text)
    return " ".join(words[:10]).rstrip(",;:") + ("…" if len(words) > 10 else "")
