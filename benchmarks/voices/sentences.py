"""Twenty sentences with numbers, names, abbreviations, clock times, dates and money, as scripts have them.

Beside each the ways to say it, where what is written leaves one a choice: a reading that matches any of them is right.
"""

from typing import NamedTuple


class Sentence(NamedTuple):
    written: str
    said: tuple[str, ...]
    "In words; the first is the usual way."

    @property
    def readings(self) -> tuple[str, ...]:
        return (self.written, *self.said)


SENTENCES = (
    Sentence(
        "The first train leaves at 10:00 a.m. and arrives at 3:45 p.m.",
        ("the first train leaves at ten a m and arrives at three forty five p m",),
    ),
    Sentence("The bridge was opened in 1937.", ("the bridge was opened in nineteen thirty seven",)),
    Sentence(
        "In 2026, about 8.2 billion people share the planet.",
        ("in twenty twenty six about eight point two billion people share the planet",),
    ),
    Sentence(
        "Dr. Maria Lopez and Prof. James Carter met in Chicago.",
        ("doctor maria lopez and professor james carter met in chicago",),
    ),
    Sentence(
        "The ticket costs $12.50, which is 15% less than before.",
        ("the ticket costs twelve dollars and fifty cents which is fifteen percent less than before",),
    ),
    Sentence(
        "On May 1, 2024, the museum opened its doors to 3,500 visitors.",
        ("on may first twenty twenty four the museum opened its doors to three thousand five hundred visitors",),
    ),
    Sentence(
        "Mount Everest is 8,849 meters high.",
        ("mount everest is eight thousand eight hundred and forty nine meters high",),
    ),
    Sentence("The 1980s changed the music of the world.", ("the nineteen eighties changed the music of the world",)),
    Sentence(
        "Mr. Johnson lives at 221 Baker Street, London.",
        ("mister johnson lives at two twenty one baker street london",),
    ),
    Sentence(
        "The car drove 120 km at 80 km/h.",
        ("the car drove one hundred and twenty kilometers at eighty kilometers per hour",),
    ),
    Sentence(
        "The company earned $3.5 million in the 2nd quarter.",
        ("the company earned three point five million dollars in the second quarter",),
    ),
    Sentence(
        "The First World War lasted from 1914 to 1918.",
        ("the first world war lasted from nineteen fourteen to nineteen eighteen",),
    ),
    Sentence(
        "Open the door at 7:30 and close it at 22:15.",
        ("open the door at seven thirty and close it at twenty two fifteen",),
    ),
    Sentence(
        "Many animals, e.g. bees and bats, find food by smell.",
        (
            "many animals for example bees and bats find food by smell",
            "many animals e g bees and bats find food by smell",
        ),
    ),
    Sentence("St. Peter's Square holds 300,000 people.", ("saint peters square holds three hundred thousand people",)),
    Sentence(
        "The U.S. and the U.K. signed the treaty on July 4, 1776.",
        ("the u s and the u k signed the treaty on july fourth seventeen seventy six",),
    ),
    Sentence(
        "Water boils at 100 °C and freezes at 0 °C.",
        ("water boils at one hundred degrees celsius and freezes at zero degrees celsius",),
    ),
    Sentence(
        "Chapter 7 begins on page 142.",
        ("chapter seven begins on page one hundred and forty two", "chapter seven begins on page one forty two"),
    ),
    Sentence(
        "NASA landed on the Moon on 20 July 1969.",
        ("nasa landed on the moon on the twentieth of july nineteen sixty nine",),
    ),
    Sentence(
        "Half of 50 is 25, and 1/4 of it is 12.5.",
        (
            "half of fifty is twenty five and one quarter of it is twelve point five",
            "half of fifty is twenty five and one fourth of it is twelve point five",
        ),
    ),
)
