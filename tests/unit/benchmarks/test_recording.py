"""What is read from the log of a film that was made, and from the processor time of its services."""

from typing import cast

import pytest

from benchmarks.pipeline import Made, Span
from benchmarks.processes import Trace
from benchmarks.scaling import recording

SPANS = (
    Span("plan", 0.0, 0.5, 1.0),
    Span("speak:s1", 1.1, 1.2, 1.5),
    Span("search:s1.1", 1.1, 1.3, 2.0),
    Span("acquire:s1.1", 2.3, 2.4, 3.0),
    Span("segment:s1.0", 3.1, 3.3, 13.3),
    Span("mix", 3.1, 13.4, 14.4),
    Span("assemble", 14.5, 14.6, 15.0),
    Span("publish", 15.1, 15.2, 15.4),
)


class Used:
    """Services that use one and a half cores, all the time, and the speech that uses nothing that could be measured."""

    def used(self, group: str, begin: float, end: float) -> float:
        return 0.0 if group == "whisper_worker" else 1.5 * (end - begin)


TRACE = cast(Trace, Used())
MADE = Made("job", 1, 0.0, 15.5, SPANS, 0, 150, 150, 10**6, {}, 0.0, 0.0)


def test_work_is_processor_time_where_a_service_does_nothing_else_and_the_time_of_a_clock_where_it_does() -> None:
    film = recording._film("one", MADE, TRACE)
    work = {str(name): seconds for name, seconds in film.work.items()}
    assert work["segment:s1.0"] == pytest.approx(15.0)
    assert work["plan"] == pytest.approx(0.5)
    assert work["publish"] == pytest.approx(0.2)
    assert work["speak:s1"] == recording.LEAST
    assert film.seconds == 5.0


def test_what_a_decision_takes_is_counted_from_the_last_step_that_was_waited_for() -> None:
    # speak and search after plan; acquire after search; segment and mix after acquire; then one after the other.
    assert list(recording._decisions(MADE)) == pytest.approx([0.1, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1])


def test_a_step_that_found_its_service_at_work_does_not_tell_how_soon_a_free_one_takes_it() -> None:
    found = list(recording._pickups(sorted(SPANS, key=lambda span: span.taken)))
    assert found == pytest.approx([0.5, 0.1, 0.2, 0.1, 0.2, 0.1, 0.1])  # without the mix, which waited for ten seconds


def test_the_width_of_a_step_is_what_rendering_uses_and_at_least_a_core() -> None:
    assert recording._widths(SPANS, TRACE) == pytest.approx({"segment": 1.5, "mix": 1.5, "assemble": 1.5})
    slow = [Span("segment:s1.0", 0.0, 0.0, 10.0)]

    class Starved(Used):
        def used(self, group: str, begin: float, end: float) -> float:
            return 0.3 * (end - begin)

    assert recording._widths(slow, cast(Trace, Starved())) == {"segment": 1.0}
