"""What the reader of bodies says about JSON that is none, and about JSON that cannot be meant."""

import pytest

from api.errors import InvalidFields, Unreadable
from api.http.json_body import path_of, read_json


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expecting value (line 1, column 1)"),
        (b'{"prompt": "x",\n oops}', "(line 2, column 2)"),
        (b'{"prompt":\n  NaN}', "NaN is no number in JSON (line 2, column 3)"),
        (b'{"prompt": "-Infinity", "x": -Infinity}', "-Infinity is no number in JSON (line 1, column 30)"),
        (b'{"x": ["1e999 \\" 1e999", 1e999]}', "the number 1e999 is too large (line 1, column 26)"),
        (b'{"seed": ' + b"7" * 6000 + b"}", "a number of 6,000 characters is too long (line 1, column 10)"),
        (b'{"a": "\\\\ud800 \\ud83d\\ude00", "b": "\\ud800"}', "\\ud800 is half of a character (line 1, column 37)"),
        (b'{"\\udfff": 1}', "\\udfff is half of a character (line 1, column 3)"),
        (b'{"a": "\xff"}', "not UTF-8 text (byte 8)"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_json(body)
    assert words in str(caught.value)


def test_whole_characters_and_ordinary_numbers_are_read() -> None:
    body = '\ufeff{"a": "\\ud83d\\ude00 é \\\\ud800", "b": [1, -2.5e3, true, null]}'.encode()
    assert read_json(body)[0] == {"a": "😀 é \\ud800", "b": [1, -2500.0, True, None]}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"prompt": "one", "prompt": "two"}', ["prompt"]),
        (b'{"scenes": [{"show": "a"}, {"show": "b", "x": 1, "show": "c"}]}', ["scenes[1].show"]),
        (b'[{"a": 1, "a": 2, "a": 3}]', ["[0].a"]),
        # Only the later of two is seen, so that what is in the other one cannot be told.
        (b'{"a": {"b": 1, "b": 2}, "a": {}}', ["a"]),
    ],
)
def test_members_that_are_given_twice_are_named(body: bytes, fields: list[str]) -> None:
    _, twins = read_json(body)
    assert [path_of(twin) for twin in twins] == fields


def test_more_levels_than_can_be_read_are_told_as_such() -> None:
    with pytest.raises(InvalidFields, match="more than 32 levels"):
        read_json(b"[" * 100_000)
