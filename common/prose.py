"""Where sentences and paragraphs of plain text begin and end. Pure; no word of the text is lost or changed."""

import re
from collections.abc import Iterator
from typing import NamedTuple


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After these a full stop does not end a sentence.
ABBREVIATIONS = _words(
    """
    mr mrs ms dr prof st jr sr vs etc e.g i.e vol fig approx ca cf inc ltd co dept est al
    hr fr nr bzw z.b d.h u.a mme mlle sra
    """
)
BEFORE_NUMBERS = _words("no nos p pp ch art sec")
"These are abbreviations only before a number: `No. 5`, but `He said no.`"
STARTERS = _words("the a an it he she they we you i this that these those but and in on at when there")
"After initials such as `U.S.`, one of these in capitals begins a sentence."
SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’)\]]*\s+|(?<=[。！？])[」』）]*\s*|\n\s*\n\s*""")  # fmt: skip
INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
CLOSING = "\"'”’»)]」』） \t\n"
"Signs that may stand after the mark that ends a sentence."
TAIL = 40
"Characters before a mark that suffice to see the word it follows."


class Sentence(NamedTuple):
    """A sentence with single spaces."""

    text: str
    paragraph: bool
    "True if a blank line stands before it."


def read(text: str) -> list[Sentence]:
    """Sentences in order; joined by spaces they have exactly the words of `text`. The first begins no paragraph.

    Signs alone are no sentence: they belong to the one before them, or to the first.
    """
    found: list[list[str]] = []
    paragraphs: list[bool] = []
    start, paragraph, speaks = 0, False, False
    for end, blank in _ends(text):
        words = text[start:end].split()
        spoken = any(sign.isalnum() for word in words for sign in word)
        if found and not (spoken and speaks):
            found[-1] += words
        elif words:
            found.append(words)
            paragraphs.append(paragraph and len(found) > 1)
            paragraph = False
        speaks = speaks or spoken
        paragraph = paragraph or blank
        start = end
    return [Sentence(" ".join(words), begins) for words, begins in zip(found, paragraphs, strict=True)]


def _ends(text: str) -> Iterator[tuple[int, bool]]:
    """Where each sentence ends, and whether a blank line follows."""
    start = 0
    for match in SENTENCE_END.finditer(text):
        blank = match.group().count("\n") > 1
        tail = text[max(start, match.start() - TAIL) : match.start() + 1]
        if blank or not _goes_on(tail, text[match.end() : match.end() + TAIL]):
            yield match.end(), blank
            start = match.end()
    yield len(text), False


def sentences(text: str) -> list[str]:
    """The sentences of `text` without their paragraphs."""
    return [sentence.text for sentence in read(text)]


def tidied(text: str) -> str:
    """The words with single spaces, and with blank lines between paragraphs."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(part for part in paragraphs if part)


def end_mark(sentence: str) -> str:
    """The last sign of a sentence that is no closing quote or bracket; empty if there is none."""
    return sentence.rstrip(CLOSING)[-1:]


def _goes_on(before: str, after: str) -> bool:
    """True when the mark at the end of `before` does not end a sentence."""
    words = before.split()
    last = words[-1].lower().lstrip("(\"'“‘") if words else ""
    following = after[:1]
    if not last.endswith(".") or last.endswith(".."):
        return following.islower()  # a question or a cry inside a sentence: "Why?" he asked.
    bare = last.rstrip(".")
    if INITIALS.fullmatch(bare) and bare not in ABBREVIATIONS:
        return not (following.isupper() and re.split(r"\W", after, maxsplit=1)[0].lower() in STARTERS)
    initial = len(bare) == 1 and bare.isalpha() and bare != "i"
    return bare in ABBREVIATIONS or initial or (bare in BEFORE_NUMBERS and following.isdigit())
