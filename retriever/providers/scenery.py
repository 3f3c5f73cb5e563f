"""The provider that always has something: words become the recipe of a generated background."""

import hashlib
import re
from collections.abc import Mapping
from typing import TypeVar

from common.contracts.footage import (
    Candidate,
    Light,
    Painted,
    Provenance,
    SceneryRecipe,
    ShotQuery,
    Theme,
    View,
    Weather,
)
from common.contracts.sources import SCENERY
from common.worker.steprun import StepRun
from retriever.providers.port import FetchedRecipe, origin_of

Name = TypeVar("Name", bound=str)

# Stems: a word counts for the first stem it begins with. A stem that ends in "$" must be the whole word.
THEMES: dict[Theme, str] = {
    "ocean": """
        ocean sea$ seas$ seaside seashore seascape wave surf beach coast shore tide tidal bay$ bays$ island
        lagoon harbour harbor maritime sail boat$ boats$ ship$ ships$ ferry marine horizon cliff$ cliffs$ lighthouse
        water$ waters$ pacific atlantic mediterranean caribbean pier$ dock$ port$ seagull gull$ gulls$ lake$
        lakes$ river sand$ sands$ nautical captain fisherm yacht
    """,
    "mountains": """
        mountain alp$ alps$ alpine peak$ peaks$ summit ridge$ ridges$ cliffside himalaya everest andes rockies
        volcan valley canyon highland hike$ hikes$ hiker hiking climb glacier fjord$ fjords$ trek$ treks$
        trekking wilderness eagle
    """,
    "forest": """
        forest wood$ woods$ woodland tree$ trees$ jungle rainforest pine$ pines$ oak$ oaks$ leaf$ leaves$ fern
        canopy moss foliage bamboo redwood deer$ bear$ bears$ wolf$ wolves$ fox$ foxes$ owl$ owls$ mushroom
        camp$ camping trail$ trails$ wildlife nature$
    """,
    "city": """
        city$ cities$ citysc skyline skyscraper street urban traffic downtown building tower$ towers$ metropol
        town$ towns$ road$ roads$ highway bridge car$ cars$ taxi bus$ buses$ subway office business company
        compan startup market$ markets$ crowd commut finance$ financial econom bank$ banks$ shop$ shops$
        shopping architect apartment london paris tokyo york$ manhattan berlin shanghai neon train$ trains$
        station$ factory industr people$ worker
    """,
    "night": """
        night$ nights$ nighttime midnight moon$ moonl firefl starry stargaz aurora lullaby sleep dream bedtime
        dark$ darkness campfire nocturnal constellation star$ stars$
    """,
    "rain": """
        rain$ rains$ rainy rainfall raindrop raining storm thunder drizzl downpour umbrella monsoon puddle wet$
        flood hurricane lightning cyclone
    """,
    "snow": """
        snow winter$ wintry ice$ icy$ icicle frost frozen freez blizzard ski$ skis$ skiing skier arctic
        antarctic christmas sleigh penguin polar sled iceberg cold$
    """,
    "desert": """
        desert dune sahara cactus camel sandstorm arid drought oasis mojave gobi nomad pyramid egypt mars$
        martian savanna safari
    """,
    "meadow": """
        meadow field$ fields$ grass$ grasses$ grassland prairie farm flower garden hill$ hills$ hillside
        countryside pasture wheat harvest crop$ crops$ bee$ bees$ butterfl bloom blossom spring$ rural village
        cow$ cows$ sheep horse picnic lawn sunflower lavender vineyard agricultur corn$ park$ parks$
    """,
    "underwater": """
        underwater undersea reef coral fish$ fishes$ shark whale dolphin scuba diver$ divers$ diving dive$
        submarine octopus jellyfish turtle seabed aquarium plankton seaweed kelp abyss snorkel mermaid
    """,
    "space": """
        space$ spaces$ spacecraft spaceship galax$ galax cosmos cosmic planet universe nebula asteroid comet$
        comets$ astronaut orbit rocket satellite solar milky interstellar telescope astronom nasa$ saturn
        jupiter venus$ neptune blackhole meteor alien earth$ gravity
    """,
}

LIGHTS: dict[Light, str] = {
    "sunset": "sunset dusk$ evening twilight golden$ sundown afterglow autumn nightfall",
    "sunrise": "sunrise dawn$ dawns$ daybreak morning sunup awaken",
    "night": """
        night$ nights$ nighttime midnight moon$ moonl stars$ starry dark$ darkness aurora neon nocturnal bedtime
    """,
    "overcast": """
        overcast cloudy grey$ gray$ fog$ foggy mist$ misty gloom rain$ rains$ rainy raining storm thunder drizzl bleak
        blizzard haze$ hazy dreary
    """,
    "day": "day$ days$ daylight noon$ midday sunny sunlight sunshine bright$ blue$ summer afternoon",
}

USUAL_LIGHTS: dict[Theme, tuple[Light, ...]] = {
    "ocean": ("sunset", "day", "sunrise"),
    "mountains": ("day", "sunrise", "sunset"),
    "forest": ("sunrise", "day"),
    "city": ("night", "sunset", "day"),
    "night": ("night",),
    "rain": ("overcast",),
    "snow": ("overcast", "day", "sunrise"),
    "desert": ("day", "sunset"),
    "meadow": ("day", "sunrise", "sunset"),
    "underwater": ("day",),
    "space": ("night", "sunset"),
    "abstract": ("night", "sunset", "sunrise"),
}
"The hours a theme looks well at, for words that name none; the seed of the film picks, so its shots agree."

WEATHERS: dict[Weather, str] = {
    "rain": "rain$ rains$ rainy rainfall raindrop raining storm thunder drizzl downpour umbrella monsoon",
    "snow": "snowfall snowing snowflake snowstorm blizzard winter$ wintry christmas",
}
OUTDOORS = frozenset(("ocean", "mountains", "forest", "city", "night", "desert", "meadow"))

VIEWS: dict[View, str] = {
    "shore": "beach shore coast surf sand",
    "open": "horizon boat ship sail ferry lake$ lakes$ river deep calm vast",
}

SCORE = 0.1
"Low, so that real footage wins wherever there is any."


class SceneryProvider:
    """Offers one generated background for any query. Never fails and needs nothing."""

    name = SCENERY

    def search(self, query: ShotQuery) -> list[Candidate]:
        recipe = recipe_for(query)
        name = f"{recipe.theme}:{recipe.light}:{recipe.seed}"
        return [
            Candidate(
                id=f"scenery:{name}",
                kind="scenery",
                score=SCORE,
                origin=Painted(recipe=recipe),
                width=query.width,
                height=query.height,
                provenance=Provenance(provider=SCENERY, source_id=name, licence="generated"),
            )
        ]

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedRecipe:
        return FetchedRecipe(origin_of(self.name, candidate, Painted).recipe)


def recipe_for(query: ShotQuery) -> SceneryRecipe:
    """The background that fits the words of the shot best; `abstract` if nothing in the film names a place."""
    words = _weighted_words(query)
    # Where the shot itself names no place or hour, it plays where and when most of the film does.
    film = [(word, 1.0) for word in query.about]
    # A city by night or in the rain is a city: those are places of their own only if no other is named.
    places: dict[Theme, str] = {name: stems for name, stems in THEMES.items() if name not in ("night", "rain", "snow")}
    theme = _best(places, words) or _best(THEMES, words) or _best(places, film) or _best(THEMES, film) or "abstract"
    usual = USUAL_LIGHTS[theme]
    light = _best(LIGHTS, words) or _best(LIGHTS, film) or usual[query.seed % len(usual)]
    # Only what the shot itself shows: else every shot of a film about a beach would stand on it.
    view = _best(VIEWS, [(word, 1.0) for word in _words(query.show)]) or "" if theme == "ocean" else ""
    weather = _best(WEATHERS, words) or "" if theme in OUTDOORS else ""
    return SceneryRecipe(theme=theme, light=light, seed=_seed(query), view=view, weather=weather)


def _weighted_words(query: ShotQuery) -> list[tuple[str, float]]:
    """Every word with its weight: what is to be seen counts more than a search phrase, an early phrase more."""
    weighted = [(word, 2.0) for word in _words(query.show)]
    for index, term in enumerate(query.terms):
        weighted += [(word, 0.5 / (1 + index)) for word in _words(term)]
    return weighted


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _best(lexicon: Mapping[Name, str], words: list[tuple[str, float]]) -> Name | None:
    """The entry whose stems the words meet with the greatest weight; of equals the one that was named first."""
    scores: dict[Name, float] = {}
    for word, weight in words:
        for name, stems in lexicon.items():
            if any(_meets(word, stem) for stem in stems.split()):
                scores[name] = scores.get(name, 0.0) + weight
    return max(scores, key=lambda name: scores[name], default=None)


def _meets(word: str, stem: str) -> bool:
    return word == stem[:-1] if stem.endswith("$") else word.startswith(stem)


def _seed(query: ShotQuery) -> int:
    """Another picture for each shot and each film, the same one every time."""
    digest = hashlib.sha256(f"{query.seed}/{query.shot}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
