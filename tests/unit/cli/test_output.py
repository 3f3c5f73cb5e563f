"""Where a film is written."""

from pathlib import Path

import pytest

from cli.errors import BadInput
from cli.output import choose_export, choose_output, file_name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("A beautiful sunset over the ocean", "a-beautiful-sunset-over-the-ocean"),
        ("one two three four five six seven eight nine ten", "one-two-three-four-five-six-seven-eight"),
        ("../../etc/passwd; rm -rf", "etc-passwd-rm-rf"),
        ("Überraschung für Zoë", "überraschung-für-zoë"),
        ("夕日", "夕日"),
        ("?!", "video"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_name_is_made_of_the_first_words_and_nothing_else(words: str, name: str) -> None:
    assert file_name(words) == name


def test_a_name_that_was_given_is_kept_even_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("")
    assert choose_output(str(tmp_path / "film.mp4"), "words") == tmp_path / "film.mp4"
    assert choose_output(str(tmp_path / "my.film"), "words") == tmp_path / "my.film.mp4"


def test_a_folder_gets_a_name_that_is_free_for_the_film_and_its_captions(tmp_path: Path) -> None:
    assert choose_output(str(tmp_path), "two words") == tmp_path / "two-words.mp4"
    (tmp_path / "two-words.vtt").write_text("")
    (tmp_path / "two-words-2.mp4").write_text("")
    assert choose_output(str(tmp_path), "two words") == tmp_path / "two-words-3.mp4"


def test_a_place_without_room_is_named_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.output.LEAST_ROOM", 10**18)
    with pytest.raises(BadInput, match="MB left; choose another place with -o"):
        choose_output(str(tmp_path / "film.mp4"), "words")
    with pytest.raises(BadInput, match="--export"):
        choose_export(str(tmp_path / "film.zip"), tmp_path / "film.mp4")


def test_a_folder_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        choose_output(str(tmp_path / "nowhere" / "film.mp4"), "words")


@pytest.mark.parametrize("wanted", ["/proc/film.mp4", "x" * 250])
def test_what_cannot_be_written_is_found_by_trying(wanted: str) -> None:
    with pytest.raises(BadInput, match="cannot be written to"):
        choose_output(wanted, "words")


def test_trying_leaves_nothing_behind(tmp_path: Path) -> None:
    choose_output(str(tmp_path / "film.mp4"), "words")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_the_name_of_the_film_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        choose_output(str(tmp_path / "film"), "words")


def test_the_export_is_a_zip_file_where_it_was_wished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = tmp_path / "films" / "harbour.mp4"
    assert choose_export(None, film) is None
    assert choose_export(str(tmp_path), film) == tmp_path / "harbour.zip"
    assert choose_export(str(tmp_path / "cut.zip"), film) == tmp_path / "cut.zip"
    assert choose_export(str(tmp_path / "harbour.mp4"), film) == tmp_path / "harbour.mp4.zip", "never the film itself"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose_export("~/cut", film) == tmp_path / "cut.zip"


def test_an_export_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    with pytest.raises(BadInput, match="nowhere"):
        choose_export(str(tmp_path / "nowhere" / "cut.zip"), film)
    with pytest.raises(BadInput, match=r"cannot be written to .* --export"):
        choose_export("/proc/cut.zip", film)
