"""Progress of a job: a block that redraws itself on a terminal, plain lines anywhere else."""

import math
import os
import shutil
import time
import unicodedata
from typing import Any, Protocol, TextIO

Status = dict[str, Any]
BAR = 34
SCENE_SYMBOLS = {
    "rendered": "✓",
    "failed": "✗",
    "cancelled": "✗",
    "left out": "✗",
    "waiting": "·",
    "gathered": "·",
    "queued for rendering": "·",
}
"States of a scene that is not being worked on; the others get an arrow."
CARDS = {"title": "title card", "end": "end card"}
LONGEST_WAIT = 200
LEAST_GAINED, LEAST_SECONDS = 10, 8.0
"Percent and seconds after which the rest of the time is estimated."
REPORTED = ("rendered", "failed", "left out")
"States that get a line of their own where nothing is redrawn."


class Display(Protocol):
    """Shows statuses of one job, newest last."""

    def show(self, status: Status) -> None: ...

    def close(self) -> None: ...


def display_for(stream: TextIO) -> Display:
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return TerminalDisplay(stream)
    return LineDisplay(stream)


class LineDisplay:
    """One line per change, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step = self._waiting = ""
        self._scenes: dict[str, str] = {}

    def show(self, status: Status) -> None:
        percent = f"{status['overall_progress']:3d} %"
        for number, scene in enumerate(status["scenes"], 1):
            state = scene["state"]
            if state != self._scenes.get(scene["id"], "waiting") and state in REPORTED:
                self._say(f"{percent}  scene {number} of {status['total_scenes']} {state}: {_label(scene)}")
            self._scenes[scene["id"]] = state
        # After the scenes, because "completed" is the last word.
        if status["current_step"] != self._step:
            self._step = status["current_step"]
            self._say(f"{percent}  {self._step}")
        # Said once: between two tries of a step it does not wait.
        if (waiting := status.get("waiting_for")) and waiting != self._waiting:
            self._waiting = waiting
            self._say(f"{percent}  waiting: {clip(waiting, LONGEST_WAIT)}")

    def close(self) -> None:
        """Nothing to tidy up."""

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class TerminalDisplay:
    """An overall bar and a line per scene, redrawn in place."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines = 0
        self._started = time.monotonic()
        self._estimate = Estimate()

    def show(self, status: Status) -> None:
        size = shutil.get_terminal_size()
        lines = self._block(status, size.columns - 1, max(1, size.lines - 4))
        back = f"\x1b[{self._lines}F" if self._lines else ""
        self._stream.write(back + "\x1b[J" + "".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._lines = len(lines)

    def close(self) -> None:
        """The last block stays; what comes next is written below it."""
        self._lines = 0

    def _block(self, status: Status, width: int, room: int) -> list[str]:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        percent = status["overall_progress"]
        what = status["current_step"]
        if waiting := status.get("waiting_for"):
            what = f"waiting: {waiting}"
        elif left := self._estimate.left(percent, time.monotonic()):
            what += f", about {left} left"
        head = f"{_bar(percent, min(BAR, width // 3))} {percent:3d} %  {minutes}:{seconds:02d}  {what}"
        return [clip(head, width), *_scene_lines(status["scenes"], width, room)]


class Estimate:
    """The time that is left, if the work goes on as fast as until now. Says nothing before it can know much."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def left(self, percent: int, now: float) -> str:
        """In words: `20 s`, `3 min`; empty while too little is done, and at the end. `now` in seconds of any clock."""
        if self._first is None:
            self._first = (percent, now)
        gained, seconds = percent - self._first[0], now - self._first[1]
        if gained < LEAST_GAINED or seconds < LEAST_SECONDS or percent >= 100:
            return ""
        left = seconds / gained * (100 - percent)
        return f"{math.ceil(left / 60)} min" if left > 90 else f"{max(1, round(left / 10)) * 10} s"


def _scene_lines(scenes: list[Status], width: int, room: int) -> list[str]:
    """As many scenes as fit, from the first unfinished one on."""
    first = 0
    if len(scenes) > room:
        done = next((index for index, scene in enumerate(scenes) if scene["state"] != "rendered"), len(scenes))
        first = max(0, min(done - 1, len(scenes) - room))
    shown = scenes[first : first + room]
    return [_scene_line(first + index, scene, width) for index, scene in enumerate(shown, 1)]


def _scene_line(number: int, scene: Status, width: int) -> str:
    state = scene["state"]
    if state == "rendering":
        state += f" {scene['progress']} %"
    label_width = max(10, width - 30)
    label = clip(_label(scene), label_width)
    padding = " " * (label_width - columns(label))
    return clip(f"{number:3d} {SCENE_SYMBOLS.get(scene['state'], '▸')} {label}{padding} {state}", width)


def _label(scene: Status) -> str:
    if scene.get("card"):
        return CARDS[scene["card"]]
    shows = [shot["show"] for shot in scene["shots"]]
    return clip(scene["narration"] or ", ".join(shows), 60)


def _bar(percent: int, width: int) -> str:
    full = round(width * percent / 100)
    return "█" * full + "░" * (width - full)


def clip(text: str, width: int) -> str:
    """`text` on one line of at most `width` columns; nothing in it can steer the terminal."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    if columns(clean) <= width:
        return clean
    while columns(clean) > width - 1:
        clean = clean[:-1]
    return clean + "…"


def columns(text: str) -> int:
    """Columns of a terminal that the text takes: two for East Asian characters, none for combining marks."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
