"""Films made from parts that are there already: drafts, changes, the same once more; and the bars they must meet."""

from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks.pipeline import Made
from benchmarks.render.contest import shape_name
from benchmarks.report import Check, Row, Table

CHANGED_CUT, CHANGED_FADED, CHANGED_MUSIC, DRAFT = 0.20, 0.38, 0.15, 1 / 3
DRAFTED, AFTER_DRAFT, SAME = "a draft", "the film after its draft", "the same job once more"
NEW_CLIP, NEW_WORDS = "another clip in one scene", "other words in one scene"
NEW_CLIP_FADED, NEW_MUSIC = "another clip in one scene, crossfades", "other music"
BARS = {
    DRAFTED: DRAFT,
    NEW_CLIP: CHANGED_CUT,
    NEW_CLIP_FADED: CHANGED_FADED,
    NEW_MUSIC: CHANGED_MUSIC,
}
"Largest share of the whole film's time that each may take."


class Again:
    """Films made from existing parts, each beside a whole one made shortly before: a machine's mood changes."""

    def __init__(self, shape: str) -> None:
        self._shape = shape
        self._runs: dict[str, list[tuple[Made, Made]]] = {}
        self.counted = [_without(NEW_MUSIC), _without(SAME)]
        "Names of the checks that do not depend on time."

    def add(self, what: str, made: Made, beside: Made) -> None:
        self._runs.setdefault(what, []).append((made, beside))

    def table(self) -> Table:
        rows: list[Row] = []
        for what, pairs in self._runs.items():
            runs = [made for made, _ in pairs]
            seconds = median(one.whole for one in runs)
            rows.append({
                "what": what,
                "s, asked to done": seconds,
                "share of the whole film": self._share(what),
                "frames encoded": round(median(one.encoded for one in runs)),
                "of": runs[0].frames,
                "steps that ran": round(median(len(one.spans) for one in runs)),
                "CPU s": median(one.cpu for one in runs),
            })  # fmt: skip
        return Table(f"made again, {shape_name(self._shape)}", rows)

    def checks(self) -> list[Check]:
        found = [
            Check(f"{what}, share of the whole film's time", self._share(what), most) for what, most in BARS.items()
        ]
        nothing = [(_without(what), max(one.encoded for one, _ in self._runs[what])) for what in (NEW_MUSIC, SAME)]
        return [*found, *(Check(name, frames, 0) for name, frames in nothing)]

    def runs_as_json(self) -> dict[str, Any]:
        return {
            what: [asdict(made) | {"beside": asdict(film)} for made, film in pairs]
            for what, pairs in self._runs.items()
        }

    def _share(self, what: str) -> float:
        """Time from asking to the end, as a share of the whole film's from its first segment to the end."""
        return median(made.whole / film.film for made, film in self._runs[what])


def _without(what: str) -> str:
    return f"{what}, frames encoded"
