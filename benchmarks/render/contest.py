"""The runs of the pipeline and of the commands it is compared with, as tables, and the bars they must meet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.pipeline import Made
from benchmarks.processes import MEGABYTE
from benchmarks.report import Check, Row, Table

PIPELINE, FADED = "pipeline, cuts", "pipeline, crossfades"
CROP_FIRST, SCALE_FIRST = "command, crops before it scales", "command, scales before it crops"
CHAINED = "command, chained crossfades"

TO_CROP_FIRST, TO_CHAINED = 1.05, 0.90
TO_SCALE_FIRST = {"9:16": 0.90, "16:9": 1.0}
TO_PARTS, TO_RENDERING = 1.10, 1.15
MOST_MEMORY, MOST_LOSS = 300.0, 0.2


@dataclass(frozen=True)
class Took:
    """The cost of one run of one competitor."""

    seconds: float
    cpu: float
    memory: float
    "Most megabytes: of the command, or of the largest process of a segment."
    size: int
    made: Made | None = None
    "Further figures of the pipeline."


@dataclass
class Contest:
    """All runs of one shape."""

    shape: str
    frames: int
    runs: dict[str, list[Took]] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    vmaf: dict[str, float] = field(default_factory=dict)

    def ratio(self, one: str, other: str) -> float:
        """The median of the ratios of single rounds, so that the drift of a machine cancels out."""
        return median(
            mine.seconds / theirs.seconds for mine, theirs in zip(self.runs[one], self.runs[other], strict=True)
        )

    def middle(self, one: str, what: Callable[[Took], float]) -> float:
        return median(map(what, self.runs[one]))


def contest_table(contest: Contest) -> Table:
    rows: list[Row] = []
    for name, runs in contest.runs.items():
        walls = [one.seconds for one in runs]
        rows.append({
            "who": name,
            "s": median(walls),
            "least": min(walls),
            "most": max(walls),
            "CPU s": median(one.cpu for one in runs),
            "MB of memory": max(one.memory for one in runs),
            "MB": median(one.size for one in runs) / MEGABYTE,
            "VMAF": contest.vmaf[name],
            "s, asked to done": median(one.made.whole for one in runs if one.made) if runs[0].made else "",
        })  # fmt: skip
    return Table(f"{shape_name(contest.shape)}, {contest.frames:,} frames, rounds: {len(contest.runs[PIPELINE])}", rows)


def parts_table(contests: Sequence[Contest]) -> Table:
    rows: list[Row] = [
        {"CPU s": shape_name(contest.shape), **contest.parts, "sum": sum(contest.parts.values())}
        for contest in contests
    ]
    return Table("the parts by themselves, one thread each", rows)


def programs_table(contests: Sequence[Contest]) -> Table:
    rows: list[Row] = []
    for contest in contests:
        for name in (PIPELINE, FADED):
            used = [one.made.used for one in contest.runs[name] if one.made]
            rows.append(
                {"CPU s": f"{shape_name(contest.shape)}, {name}"}
                | {program: median(one[program] for one in used) for program in used[0]}
            )
    return Table("the programs of the pipeline", rows)


def checks_of(contest: Contest) -> list[Check]:
    shape, ratio = shape_name(contest.shape), contest.ratio
    rendered = [one.made for one in contest.runs[PIPELINE] if one.made]
    cpu = contest.middle(PIPELINE, lambda one: one.cpu)
    return [
        Check(f"{shape}: time, of {CROP_FIRST}", ratio(PIPELINE, CROP_FIRST), TO_CROP_FIRST),
        Check(f"{shape}: time, of {SCALE_FIRST}", ratio(PIPELINE, SCALE_FIRST), TO_SCALE_FIRST[contest.shape]),
        Check(f"{shape}: time with crossfades, of {CHAINED}", ratio(FADED, CHAINED), TO_CHAINED),
        Check(
            f"{shape}: MB of memory of a segment's process",
            max(one.memory for name in (PIPELINE, FADED) for one in contest.runs[name]),
            MOST_MEMORY,
        ),
        Check(f"{shape}: VMAF lost to {CROP_FIRST}", contest.vmaf[CROP_FIRST] - contest.vmaf[PIPELINE], MOST_LOSS),
        Check(f"{shape}: VMAF lost to {CHAINED}", contest.vmaf[CHAINED] - contest.vmaf[FADED], MOST_LOSS),
        Check(f"{shape}: CPU of everything, of the sum of the parts", cpu / sum(contest.parts.values()), TO_PARTS),
        Check(
            f"{shape}: the whole job, of its rendering alone",
            median(one.whole / one.rendering for one in rendered),
            TO_RENDERING,
        ),
    ]


def shape_name(shape: str) -> str:
    return {"9:16": "portrait", "16:9": "landscape"}[shape]
