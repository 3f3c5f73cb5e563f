"""The step times that were measured, and what is made of them."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import scaling
from benchmarks.report import NotMeasured, Report, Scope
from benchmarks.scaling import experiments, page, picture, steptimes
from benchmarks.scaling.cluster import MIX, SLOTS, Traffic
from benchmarks.scaling.experiments import SCREENS, WHOLE, Check, Results
from benchmarks.scaling.recorded import Recorded
from benchmarks.scaling.tables import checks_of, tables_of
from common.contracts.kinds import kinds_of
from common.contracts.names import ASSEMBLE, PLAN, PUBLISH
from common.contracts.names import MIX as MIXING

TINY = experiments.Plan(sizes=(1, 4), seeds=3, drains=(0, 60))
KEPT = steptimes.load()


def test_the_films_that_are_asked_for_were_measured_from_beginning_to_end() -> None:
    found = {film.name: film for film in KEPT.films}
    assert {name for mix in SCREENS.values() for name in mix} <= set(found)
    for film in (*found.values(), *KEPT.crowd):
        assert {PLAN, MIXING, ASSEMBLE, PUBLISH} <= set(film.work)
        assert min(film.work.values()) > 0
        assert film.needs.keys() == film.work.keys()


def test_what_was_measured_can_be_kept(tmp_path: Path) -> None:
    steptimes.save(KEPT, tmp_path / "steps.json")
    after = steptimes.load(tmp_path / "steps.json")
    assert (after.about, after.timing, after.trials) == (KEPT.about, KEPT.timing, KEPT.trials)
    for one, other in zip((*KEPT.films, *KEPT.crowd), (*after.films, *after.crowd), strict=True):
        assert vars(one) | {"needs": None} == vars(other) | {"needs": None}


def test_without_step_times_it_is_said_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="scaling --measure"):
        steptimes.load(tmp_path / "none.json")


def test_the_traffic_is_what_was_asked_for() -> None:
    traffic = Traffic(KEPT.films, MIX)
    assert len(traffic.burst(50)) == 50
    waves = traffic.waves([(600, 6), (600, 0.5)], 72_000)
    assert len(waves) == pytest.approx(3600 + 300, rel=0.1)
    assert [order.time for order in waves] == sorted(order.time for order in waves)
    busy = sum(order.time % 1200 < 600 for order in waves)
    assert busy / len(waves) == pytest.approx(12 / 13, abs=0.05)
    names = [order.film.name for order in waves]
    assert names.count("short") / len(names) == pytest.approx(0.5, abs=0.05)


def test_one_renderer_makes_as_many_films_as_the_work_of_their_steps_allows() -> None:
    """Reckoned by hand: cores divided by the processor seconds of an average film."""
    (found, *_) = experiments.fleets(KEPT, [1])
    films = {film.name: film.of_kinds(kinds_of("render")) for film in KEPT.films}
    each = sum(films[name] * share for name, share in MIX.items()) / sum(MIX.values())
    assert found.per_minute == pytest.approx(60 * SLOTS / each, rel=0.03)


@pytest.fixture(scope="module")
def tiny() -> Results:
    return experiments.simulate(KEPT, TINY, lambda _: None)


def test_a_report_tells_all_results_and_judges_the_simulation(tiny: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "simulate", lambda *_: tiny)
    report = scaling.measure(Scope(quick=True), lambda _: None)
    assert all(check.passed for check in report.checks), report.text()
    assert all(table.rows for table in report.tables)
    wrong = [replace_check(one) for one in tiny.checks]
    assert not any(check.passed for check in checks_of(tiny._replace(checks=wrong)))


def replace_check(one: Check) -> Check:
    return one._replace(simulated=2 * one.measured)


def test_more_renderers_make_more_films_and_lose_less_when_they_may_end_their_work(tiny: Results) -> None:
    rates = {(one.case, one.renderers): one.per_minute for one in tiny.fleets}
    assert all(rates[case, 4] > 2 * rates[case, 1] for case, _ in rates)
    (_, one), (_, four) = tiny.limits
    assert one.last_film > 2 * four.last_film
    for some in tiny.scale_in.values():
        assert some[-1].wasted <= some[0].wasted


def test_a_renderer_that_is_there_begins_sooner_than_one_that_is_woken(tiny: Results) -> None:
    found = {one.what: one for one in tiny.bursts}
    woken, there = found["KEDA, from none, at most 20"], found["from 1 renderer"]
    assert there.late_step < woken.first_step <= woken.late_step
    assert found["KEDA looks every 60 s"].late_step > woken.late_step


def report(results: Results) -> Report:
    return Report(tables_of(KEPT, results), checks_of(results))


def test_the_page_takes_new_figures(tiny: Results) -> None:
    text = page.PAGE.read_text()
    changed = page.with_figures(text, report(tiny))
    assert changed != text
    assert changed.split(page.BEGIN)[0] == text.split(page.BEGIN)[0]
    assert changed.split(page.END)[1] == text.split(page.END)[1]
    assert page.with_figures(changed, report(tiny)) == changed


def test_a_picture_is_drawn_the_same_every_time(tiny: Results, tmp_path: Path) -> None:
    for name in ("one.svg", "other.svg"):
        picture.draw(tiny, tmp_path / name)
    first = (tmp_path / "one.svg").read_text()
    assert first == (tmp_path / "other.svg").read_text()
    assert "<svg" in first


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where the page and its picture are written in place of those of the repository."""
    written = tmp_path / "scaling.md", tmp_path / "scaling.svg"
    written[0].write_text(f"before {page.BEGIN}old {page.END}")
    monkeypatch.setattr(page, "PAGE", written[0])
    monkeypatch.setattr(page, "PICTURE", written[1])
    return written


def test_page_and_picture_are_written_together(tiny: Results, places: tuple[Path, Path]) -> None:
    page.write(report(tiny), tiny, lambda _: None)
    assert "films a minute" in places[0].read_text()
    assert places[1].exists()


def test_without_what_draws_nothing_is_written_and_it_is_said_what_is_missing(
    tiny: Results, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.scaling.picture", None)
    said: list[str] = []
    page.write(report(tiny), tiny, said.append)
    assert "requirements-dev.txt" in said[0]
    assert "old" in places[0].read_text()
    assert not places[1].exists()


@pytest.mark.slow
def test_the_page_and_its_picture_are_those_of_the_step_times(tmp_path: Path) -> None:
    """If this fails, `./reel bench scaling` writes them anew."""
    whole = experiments.simulate(KEPT, WHOLE, lambda _: None)
    assert page.with_figures(page.PAGE.read_text(), report(whole)) == page.PAGE.read_text()
    picture.draw(whole, tmp_path / "scaling.svg")
    assert (tmp_path / "scaling.svg").read_bytes() == page.PICTURE.read_bytes()


# measuring


def test_measuring_anew_keeps_what_was_measured(tiny: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.scaling import recording

    kept: list[Recorded] = []
    new = replace(KEPT, about={"measured": "today"})
    monkeypatch.setattr(recording, "record", lambda *_: new)
    monkeypatch.setattr(scaling, "save", kept.append)
    monkeypatch.setattr(scaling, "simulate", lambda *_: tiny)
    scaling.measure(Scope(quick=True), lambda _: None)
    assert kept == []
    scaling.measure(Scope(quick=True, measure=True), lambda _: None)
    assert kept == [new]


def test_only_whole_results_are_written_to_the_page(tiny: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Results] = []
    monkeypatch.setattr(scaling, "simulate", lambda *_: tiny)
    monkeypatch.setattr(page, "write", lambda _, results, __: written.append(results))
    scaling.measure(Scope(quick=True), lambda _: None)
    assert written == []
    scaling.measure(Scope(), lambda _: None)
    assert written == [tiny]
