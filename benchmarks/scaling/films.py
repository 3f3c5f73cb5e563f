"""Films as the simulation knows them: their steps, the work of each, and which must be done before which. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from common.contracts.names import ASSEMBLE, MIX, PLAN, Kind, StepName


class Film:
    """A film that was made once, so that it can be made again in a simulation.

    `work` are the steps it took and the processor seconds of each; `transitions` says whether its scenes flow into
    each other, so that a segment needs the first picture of the next scene; `megabytes` went in and out of the store.
    """

    def __init__(
        self, name: str, seconds: float, work: Mapping[StepName, float], transitions: bool, megabytes: float = 0.0
    ) -> None:
        self.name, self.seconds, self.work = name, seconds, work
        self.transitions, self.megabytes = transitions, megabytes

    @cached_property
    def needs(self) -> dict[StepName, frozenset[StepName]]:
        """The steps that each step waits for."""
        return needs(self.work, self.transitions)

    @cached_property
    def needed_by(self) -> dict[StepName, list[StepName]]:
        """The steps that wait for each step."""
        return {name: [other for other, some in self.needs.items() if name in some] for name in self.work}

    @cached_property
    def scenes(self) -> int:
        return len({name.scene for name in self.work if name.scene})

    def of_kinds(self, kinds: Iterable[str]) -> float:
        """Processor seconds of all steps of these kinds."""
        return sum(work for name, work in self.work.items() if name.kind in set(kinds))


def needs(names: Iterable[StepName], transitions: bool) -> dict[StepName, frozenset[StepName]]:
    """The order of steps in the workflow of a film (`orchestrator/film/`), by their names alone."""
    every = sorted(names)  # so that nothing hangs on the order of a set
    steps = _Steps(every)
    return {name: frozenset(_needs(name, steps, transitions)).intersection(every) for name in every}


class _Steps:
    def __init__(self, names: Sequence[StepName]) -> None:
        self.by_kind: dict[str, list[StepName]] = defaultdict(list)
        for name in names:
            self.by_kind[name.kind].append(name)
        scenes = {name.scene for name in names if name.scene}
        self.scenes = sorted(scenes, key=lambda scene: int(scene.lstrip("s")))

    def of_scene(self, kind: str, scene: str) -> list[StepName]:
        return [name for name in self.by_kind[kind] if name.scene == scene]

    def after(self, scene: str) -> str:
        """The scene after this one; empty after the last."""
        return dict(zip(self.scenes, self.scenes[1:], strict=False)).get(scene, "")


def _needs(name: StepName, steps: _Steps, transitions: bool) -> Iterable[StepName]:
    """The steps that one waits for; among them there may be some that this film does not have."""
    every = steps.by_kind
    match name.kind:
        case Kind.PLAN:
            return ()
        case Kind.SPEAK | Kind.SEARCH:
            return (PLAN,)
        case Kind.ACQUIRE:  # no shot is cast before all searches have ended
            return (PLAN, *every[Kind.SEARCH])
        case Kind.SEGMENT:
            return _of_segment(name, steps, transitions)
        case Kind.SCENE:
            return steps.of_scene(Kind.SEGMENT, name.scene)
        case Kind.MIX:  # it lets segments go first, so all footage must be there
            return (*every[Kind.SPEAK], *every[Kind.ACQUIRE])
        case Kind.ASSEMBLE:
            return (*every[Kind.SEGMENT], *every[Kind.SCENE], MIX)
        case Kind.PUBLISH:
            return (ASSEMBLE,)
    raise ValueError(f"the simulation does not know when {name} can begin")


def _of_segment(name: StepName, steps: _Steps, transitions: bool) -> Iterable[StepName]:
    scene = name.scene
    own = (*steps.of_scene(Kind.SPEAK, scene), *steps.of_scene(Kind.ACQUIRE, scene))
    after = steps.after(scene)
    if not transitions or not after or name != _last_part(steps.of_scene(Kind.SEGMENT, scene)):
        return own
    shown_first = sorted(steps.of_scene(Kind.ACQUIRE, after), key=_number)[:1]
    return (*own, *steps.of_scene(Kind.SPEAK, after), *shown_first)


def _last_part(segments: list[StepName]) -> StepName:
    return max(segments, key=_number)


def _number(name: StepName) -> int:
    """The number of a shot or part within its scene: 2 of `acquire:s3.2`."""
    return int(name.subject.partition(".")[2] or 0)
