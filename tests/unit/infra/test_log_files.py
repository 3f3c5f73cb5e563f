"""Log files do not grow for ever."""

from pathlib import Path

from infra.log_files import OLD, to_files


def test_a_file_that_has_grown_is_put_aside_and_few_are_kept(tmp_path: Path) -> None:
    write = to_files(tmp_path, most_bytes=100)
    for number in range(1, 100):
        write("renderer", f"line {number:3d}")
    write("redis", "one line")
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(files) == ["redis.log", "renderer.log", *(f"renderer.log.{n}" for n in range(1, OLD + 1))]
    assert all(len(text) < 120 for text in files.values())
    lines = (files["renderer.log.2"] + files["renderer.log.1"] + files["renderer.log"]).splitlines()
    assert lines == [f"line {number:3d}" for number in range(100 - len(lines), 100)], "the newest, without a gap"


def test_a_line_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    to_files(tmp_path / "nowhere")("renderer", "a line")
