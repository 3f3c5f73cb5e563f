"""The picture of the results. matplotlib comes with `./reel test`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from benchmarks.scaling.cluster import SLOTS
from benchmarks.scaling.experiments import AS_IT_COMES, BURST, MORE_AT_ONCE, OTHERS_GROW, Burst, Results

LOOK: dict[str, Any] = {
    "svg.fonttype": "path",  # letters as outlines: they look the same where the font is not installed
    "svg.hashsalt": "scaling",  # the same picture has the same bytes
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#475569",
    "axes.labelcolor": "#334155",
    "xtick.color": "#475569",
    "ytick.color": "#475569",
    "text.color": "#0f172a",
    "grid.color": "#e2e8f0",
    "legend.frameon": False,
    "figure.facecolor": "white",
}
GREY, BLUE, GREEN, ORANGE, PURPLE = "#94a3b8", "#2563eb", "#059669", "#d97706", "#7c3aed"
CASES = {
    AS_IT_COMES: (ORANGE, "one retriever, 16 jobs at once"),
    OTHERS_GROW: (BLUE, "retrievers by load, 16 jobs at once"),
    MORE_AT_ONCE: (GREEN, "retrievers by load, 4 jobs for each renderer"),
}
MINUTE = 60.0


def draw(results: Results, path: Path) -> None:
    with plt.rc_context(LOOK):  # type: ignore[arg-type]
        figure = plt.figure(figsize=(12, 9), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.14, h_pad=0.16, wspace=0.05, hspace=0.05)  # type: ignore[union-attr, call-arg]
        # Each row for itself: the long names in the lower one must not take room from the upper one.
        rows: Any = figure.subfigures(2, 1)
        upper, lower = (row.subplots(1, 2) for row in rows)
        _fleets(upper[0], results)
        _course(upper[1], results.bursts[0])
        _first_steps(lower[0], results.bursts)
        _lost(lower[1], results)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _fleets(axes: Any, results: Results) -> None:
    """Films a minute by renderers; both axes double, so that twice as many is a straight line."""
    sizes = list(dict.fromkeys(one.renderers for one in results.fleets))
    first = results.fleets[0].per_minute / results.fleets[0].renderers
    axes.plot(sizes, [first * size for size in sizes], color=GREY, linestyle=":", label="twice as many, twice as fast")
    for case, (colour, label) in CASES.items():
        rates = [one.per_minute for one in results.fleets if one.case == case]
        axes.plot(sizes, rates, color=colour, marker="o", markersize=4.5, linewidth=2, label=label)
    most = [number for number, _ in results.limits]
    rates = [MINUTE * BURST / one.last_film for _, one in results.limits]
    label = f"a burst of {BURST}, by KEDA from none"
    axes.plot(most, rates, color=PURPLE, marker="s", markersize=4, linewidth=1.5, linestyle="--", label=label)
    axes.set(xscale="log", yscale="log", xlabel="renderers, 2 slots and 2 cores each", ylabel="films a minute")
    axes.set_title("How many films a cluster makes")
    _plain(axes.xaxis, sizes)
    axes.set_ylim(bottom=1)
    _plain(axes.yaxis, [1, 2, 5, 10, 20, 50, 100])
    axes.grid(visible=True)
    axes.legend(loc="lower right", fontsize=8.5)


def _course(axes: Any, usual: Burst) -> None:
    """Steps and slots over the time of a burst."""
    minutes = [note.time / MINUTE for note in usual.notes]
    axes.fill_between(minutes, [note.load for note in usual.notes], color="#cbd5e1", linewidth=0, step="post")
    axes.step(minutes, [SLOTS * note.live for note in usual.notes], color=BLUE, linewidth=2, where="post")
    axes.step(minutes, [note.running for note in usual.notes], color=GREEN, linewidth=1.5, where="post")
    axes.plot([], [], color="#cbd5e1", linewidth=7, label="steps that are ready or running (the load)")
    axes.plot([], [], color=BLUE, linewidth=2, label="slots of renderers")
    axes.plot([], [], color=GREEN, linewidth=2, label="slots at work")
    axes.axvline(usual.last_film / MINUTE, color=GREY, linestyle=":")
    axes.annotate("last film", (usual.last_film / MINUTE, 0), (4, 4), textcoords="offset points", fontsize=9)
    axes.set(xlabel=f"minutes since {BURST} films were asked for", ylabel="steps")
    axes.set_title("A burst: from no renderer to 20 and back")
    axes.set_xlim(0, max(note.time for note in usual.notes if note.live) / MINUTE + 1)
    axes.set_ylim(0, 1.45 * max(note.load for note in usual.notes))
    axes.grid(visible=True, axis="y")
    axes.legend(loc="upper right", fontsize=9)


def _first_steps(axes: Any, bursts: Sequence[Burst]) -> None:
    """Seconds to the first step of rendering: half are within the bar, 95 of 100 within the line."""
    some = bursts[::-1]
    half, late = [one.first_step for one in some], [one.late_step for one in some]
    places = range(len(some))
    axes.barh(places, half, 0.6, color=BLUE, label="half of the bursts are quicker")
    axes.hlines(places, half, late, color=ORANGE, linewidth=3, label="95 of 100 are quicker")
    axes.set_yticks(places, [one.what for one in some], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel=f"seconds after {BURST} films were asked for")
    axes.set_title("Until the first step is rendered")
    axes.grid(visible=True, axis="x")
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.72), fontsize=9)


def _lost(axes: Any, results: Results) -> None:
    """Work lost, by what happens and by DRAIN_SECONDS."""
    ways = list(results.scale_in)[::-1]
    drains = [one.drain for one in results.scale_in[ways[0]]]
    height = 0.8 / len(drains)
    for number, (drain, colour) in enumerate(zip(drains, (ORANGE, BLUE, GREEN, GREY), strict=False)):
        places = [index + 0.4 - (number + 0.5) * height for index in range(len(ways))]
        lost = [results.scale_in[way][number].each for way in ways]
        axes.barh(places, lost, height, color=colour, label=f"{drain:g} s")
    axes.set_yticks(range(len(ways)), ways, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="CPU seconds lost for each renderer that goes")
    axes.set_title("What a scale-in wastes")
    axes.grid(visible=True, axis="x")
    axes.legend(loc="upper right", fontsize=9, title="DRAIN_SECONDS", title_fontsize=9)


def _plain(axis: Any, values: Sequence[float]) -> None:
    """Plain numbers at these values, and no other marks."""
    axis.set_major_locator(FixedLocator(values))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FormatStrFormatter("%g"))
