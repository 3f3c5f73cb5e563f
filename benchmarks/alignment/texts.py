"""Texts to be read aloud: narrations of plain words, so that any synthesiser reads them as they are written."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

ENGLISH: Sequence[str] = (
    "Long ago, the ocean shaped these quiet cliffs. Nothing here is in a hurry. The harbour wakes before the sun, "
    "while the first boats leave in the dark. Nobody sees them go.",
    "Every spring, thousands of birds return to the same narrow island off the northern coast. They come from as far "
    "away as Africa, guided by the stars, the wind and the memory of the land below. For a few short weeks the cliffs "
    "are alive with noise.",
    "Bees are among the most important animals on earth. A single colony can visit two million flowers to make one jar "
    "of honey. Without them, one third of the food that we eat would simply disappear. Yet their numbers are falling, "
    "year after year, and nobody can say with certainty why that is.",
    "Why do cities glow at night? A century ago, the only light on this street came from the moon. Then a company in "
    "the valley built a dam, and within ten years every house had a lamp. What was once a wonder is now a habit.",
)
OTHERS: Mapping[str, str] = {
    "de": "Vor langer Zeit formte das Meer diese stillen Klippen. Der Hafen erwacht vor der Sonne, während die ersten "
    "Boote im Dunkeln auslaufen. Niemand sieht sie gehen, und niemand wartet auf sie.",
    "es": "Hace mucho tiempo, el mar dio forma a estos tranquilos acantilados. El puerto despierta antes que el sol, "
    "mientras los primeros barcos salen en la oscuridad. Nadie los ve partir.",
    "fr": "Il y a longtemps, la mer a façonné ces falaises tranquilles. Le port se réveille avant le soleil, "
    "pendant que les premiers bateaux partent dans le noir. Personne ne les voit partir.",
}


def long_text(characters: int) -> str:
    """The sentences of the English ones, again and again in a changing order, until there are so many characters."""
    sentences = [f"{part}." for text in ENGLISH for part in text.rstrip(".").split(". ")]
    return " ".join(_taken(sentences, characters))


def _taken(sentences: Sequence[str], characters: int) -> Iterator[str]:
    place = 0
    for step in cycle((3, 5, 7, 2)):
        if characters <= 0:
            return
        yield sentences[place]
        characters -= len(sentences[place]) + 1
        place = (place + step) % len(sentences)
