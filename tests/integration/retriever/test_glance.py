"""A glance at many files: one that ends the program that looks hides none of the others."""

import os
import signal
import threading
from pathlib import Path

from retriever.inspection.glance import glance
from retriever.inspection.program import footage_type, inspect
from tests.support import clips
from tests.support.processes import find
from tests.support.waiting import eventually


def test_it_tells_what_a_look_at_each_tells(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    paths = [clips.clip(), text, tmp_path / "gone.mp4", clips.picture(64, 48)]
    first, last = (inspect(path, footage_type(path)) for path in (paths[0], paths[-1]))
    assert glance(paths) == [first, None, None, last]


def test_nothing_is_started_for_nothing() -> None:
    assert glance([]) == []


def test_a_file_that_ends_the_program_hides_no_other(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)

    def end_it() -> None:
        # There is somebody to write to as soon as it is at the pipe, and it waits there.
        handle = eventually(lambda: _opened(pipe))
        [pid] = find("retriever.inspection.glance", os.getpid())
        os.kill(pid, signal.SIGKILL)
        os.close(handle)

    killer = threading.Thread(target=end_it)
    killer.start()
    found = glance([clips.clip(), pipe, clips.picture(64, 48)])
    killer.join()
    assert [None if one is None else one.kind for one in found] == ["video", None, "still"]


def _opened(pipe: Path) -> int | None:
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
