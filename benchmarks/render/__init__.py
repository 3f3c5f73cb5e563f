"""The pipeline against one ffmpeg command that makes the same film: see benchmarks/README.md."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import av

from benchmarks.pipeline import Made, Pipeline, pipeline
from benchmarks.processes import run
from benchmarks.render.again import AFTER_DRAFT, DRAFTED, NEW_CLIP, NEW_CLIP_FADED, NEW_MUSIC, NEW_WORDS, SAME, Again
from benchmarks.render.command import Film, Manner, whole, write_captions
from benchmarks.render.contest import (
    CHAINED,
    CROP_FIRST,
    FADED,
    PIPELINE,
    SCALE_FIRST,
    Contest,
    Took,
    checks_of,
    contest_table,
    parts_table,
    programs_table,
)
from benchmarks.render.parts import parts
from benchmarks.render.quality import reference, vmaf
from benchmarks.report import NotMeasured, Report, Say, Scope
from benchmarks.workload import OTHER_WORDS, Media, Workload, media, order
from common.contracts.request import Mood
from renderer.ffmpeg.run import ffmpeg_program

PAIRS = 5
CHANGED = 4
"The number of the scene that is changed."
MOODS: tuple[Mood, ...] = ("dramatic", "uplifting", "playful", "calm")


class Plan(NamedTuple):
    """The extent of the measurement."""

    workload: Workload
    resolution: int
    shapes: Sequence[str]
    pairs: int
    changes: int
    "Rounds of each change."


WHOLE = Plan(Workload(), 1080, ("9:16", "16:9"), PAIRS, changes=3)
SMALL = Workload(scenes=3, width=320, height=180, seconds=4, bitrate=400_000, words=6)
QUICK = Plan(SMALL, 180, ("9:16", "16:9"), pairs=1, changes=1)


def measure(scope: Scope, say: Say) -> Report:
    """Quick: tiny pictures and one round, and no judgement of times."""
    plan = QUICK if scope.quick else WHOLE
    plan = plan._replace(pairs=scope.pairs or plan.pairs)
    program = ffmpeg_program()
    files = media(plan.workload, scope.data, program, say)
    with (
        tempfile.TemporaryDirectory(prefix="render-", dir=scope.data) as name,
        pipeline(Path(name) / "stack", {"TARGET_RESOLUTION": str(plan.resolution)}) as system,
    ):
        bench = Bench(plan, program, system, files, Path(name), say)
        idle = system.idle()
        say(f"with nothing to do, the stack takes {100 * idle:.1f} % of a processor")
        contests = [bench.contest(shape) for shape in plan.shapes]
        again = bench.again(plan.shapes[0])
    tables = [*map(contest_table, contests), parts_table(contests), programs_table(contests), again.table()]
    checks = [check for contest in contests for check in checks_of(contest)] + again.checks()
    counts = [check for check in checks if check.what in again.counted]
    details = {
        "runs": {contest.shape: {name: list(map(asdict, runs)) for name, runs in contest.runs.items()}
                 for contest in contests},
        "again": again.runs_as_json(),
        "idle share of a processor": idle,
    }  # fmt: skip
    return Report(tables, counts if scope.quick else checks, details)


class Bench:
    """The pipeline, the files, and the order of the runs."""

    def __init__(self, plan: Plan, program: str, system: Pipeline, files: Media, folder: Path, say: Say) -> None:
        self._plan, self._program, self._system, self._folder, self._say = plan, program, system, folder, say
        self._clips = [system.upload(path) for path in files.clips]
        self._spare, self._music = system.upload(files.spare), system.upload(files.music)

    def contest(self, shape: str) -> Contest:
        """Every competitor in turn, forwards and backwards, so that none always follows the same other one."""
        self._say(f"{shape}: what the pipeline makes of it ...")
        films = {name: self._learn(shape, name, kind) for name, kind in ((PIPELINE, "cut"), (FADED, "crossfade"))}
        contest = Contest(shape, films[PIPELINE].frames)
        turns: list[tuple[str, Callable[[], Took]]] = [
            (CROP_FIRST, lambda: self._command(films[PIPELINE], PIPELINE, "crop-first", CROP_FIRST)),
            (PIPELINE, lambda: self._pipeline(shape, "cut")),
            (SCALE_FIRST, lambda: self._command(films[PIPELINE], PIPELINE, "scale-first", SCALE_FIRST)),
            (FADED, lambda: self._pipeline(shape, "crossfade")),
            (CHAINED, lambda: self._command(films[FADED], FADED, "crop-first", CHAINED)),
        ]
        for number in range(self._plan.pairs):
            for name, turn in turns if number % 2 == 0 else turns[::-1]:
                took = turn()
                self._say(f"{shape}, round {number + 1}: {name}: {took.seconds:.2f} s")
                contest.runs.setdefault(name, []).append(took)
        self._say(f"{shape}: the parts by themselves ...")
        contest.parts = parts(self._program, films[PIPELINE], self._folder)
        self._say(f"{shape}: quality ...")
        self._judge(contest, films)
        return contest

    def again(self, shape: str) -> "Again":
        """Films made from parts that are there already, each beside a film just made from nothing."""
        again, scene = Again(shape), f"s{min(CHANGED, self._plan.workload.scenes)}"
        self._say(f"{shape}: a draft, the film after it, and the same once more ...")
        film = self._anew(shape, "cut")
        self._system.forget()
        again.add(DRAFTED, self._system.make(self._body(shape, "cut") | {"draft": True}), film)
        for what in (AFTER_DRAFT, SAME):
            again.add(what, self._system.make(self._body(shape, "cut")), film)
        new_clip = {"scenes": [{"id": scene, "media": {"asset": self._spare}}]}
        new_words = {"scenes": [{"id": scene, "narration": self._plan.workload.cut(OTHER_WORDS)}]}
        for number in range(self._plan.changes):
            self._say(f"{shape}: changes, round {number + 1} ...")
            film = made = self._anew(shape, "cut")
            for what, changes in ((NEW_CLIP, new_clip), (NEW_WORDS, new_words), (NEW_MUSIC, {"mood": MOODS[number]})):
                made = self._changed(made, changes)
                again.add(what, made, film)
            film = self._anew(shape, "crossfade")
            again.add(NEW_CLIP_FADED, self._changed(film, new_clip), film)
        return again

    def _anew(self, shape: str, transition: str) -> Made:
        self._system.forget()
        return self._system.make(self._body(shape, transition))

    def _changed(self, made: Made, changes: Mapping[str, Any]) -> Made:
        self._system.forget()
        return self._system.edit(made, changes)

    # the competitors

    def _learn(self, shape: str, name: str, transition: str) -> Film:
        _, segments, mix = self._system.learn(self._body(shape, transition))
        folder = self._place(shape, name)
        film = Film(segments, mix, self._system.fetch(segments, mix, folder))
        write_captions(segments, folder)
        return film

    def _pipeline(self, shape: str, transition: str) -> Took:
        made = self._anew(shape, transition)
        return Took(made.film, made.cpu, made.memory, made.size, made)

    def _command(self, film: Film, place: str, manner: Manner, name: str) -> Took:
        folder = self._place(_shape(film), place)
        path = folder / f"{name}.mp4"
        cost = run(whole(self._program, film, manner, path.name), folder)
        if (frames := _frames(path)) != film.frames:
            raise NotMeasured(f"the command made {frames} frames instead of {film.frames}")
        return Took(cost.seconds, cost.cpu, cost.memory, path.stat().st_size)

    def _judge(self, contest: Contest, films: Mapping[str, Film]) -> None:
        for place, commands in ((PIPELINE, (CROP_FIRST, SCALE_FIRST)), (FADED, (CHAINED,))):
            folder = self._place(contest.shape, place)
            exact = reference(self._program, films[place], folder)
            made = contest.runs[place][-1].made
            assert made is not None
            self._system.download(made, folder / "pipeline.mp4")
            for name, file in ((place, "pipeline.mp4"), *((one, f"{one}.mp4") for one in commands)):
                contest.vmaf[name] = vmaf(self._program, folder / file, exact, folder)
            exact.unlink()

    # what is asked for

    def _body(self, shape: str, transition: str) -> dict[str, Any]:
        return order(self._plan.workload, self._clips, self._music, shape, transition)

    def _place(self, shape: str, name: str) -> Path:
        folder = self._folder / f"{shape} {name}".replace(":", "x")
        folder.mkdir(exist_ok=True)
        return folder


def _shape(film: Film) -> str:
    return "9:16" if film.profile.height > film.profile.width else "16:9"


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)
