"""Which voice of an engine speaks, where each voice has a language. Pure."""

from collections.abc import Sequence

from common.contracts.voice import Voice, forms_of
from common.errors import Permanent


def chosen(voices: Sequence[Voice], language: str, voice: str | None, engine: str) -> Voice:
    """The voice of that id, else the first of the language; the voices are in order of preference.

    A language is also that of a longer or shorter form of it, the longest first: a voice of the USA is none of
    Britain, but one of English. `engine` is its name for a reader. Raises `Permanent`.
    """
    if voice is not None:
        for one in voices:
            if one.id.lower() == voice.lower():
                return one
        raise Permanent(f'voice "{voice}" is unknown to {engine}; try for example "{voices[0].id}"')
    for tag in forms_of(language):
        for one in voices:
            if one.language == tag:
                return one
    for one in voices:
        if language.lower() in forms_of(one.language):
            return one
    raise Permanent(f'language "{language}" has no voice of {engine} here; try for example "{voices[0].language}"')
