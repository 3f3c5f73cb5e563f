import pytest

from common.contracts.footage import Painted, ShotQuery
from retriever.providers.scenery import LIGHTS, THEMES, USUAL_LIGHTS, SceneryProvider, recipe_for


def query(show: str, *terms: str, shot: str = "s1.1", seed: int = 0) -> ShotQuery:
    return ShotQuery(
        shot=shot,
        show=show,
        terms=terms,
        seconds=4.0,
        width=1920,
        height=1080,
        sources=(),
        seed=seed,
    )


@pytest.mark.parametrize(
    ("show", "theme", "light"),
    [
        ("A beautiful sunset over the ocean with waves crashing on the beach", "ocean", "sunset"),
        ("Surfers wait for the first wave at dawn", "ocean", "sunrise"),
        ("a foggy harbour", "ocean", "overcast"),
        ("Snow-capped peaks of the Alps on a sunny day", "mountains", "day"),
        ("hikers on a mountain ridge at golden hour", "mountains", "sunset"),
        ("Morning light between the trees of a redwood forest", "forest", "sunrise"),
        ("City skyline at night", "city", "night"),
        ("Night falls over the city", "city", "night"),
        ("rush hour traffic at dusk", "city", "sunset"),
        ("a starry sky, fireflies by a campfire", "night", "night"),
        ("Rain drums on the roof", "rain", "overcast"),
        ("frozen winter, snow falling", "snow", None),
        ("sand dunes of the Sahara", "desert", None),
        ("wild flowers on a meadow in the afternoon", "meadow", "day"),
        ("a coral reef with turtles", "underwater", "day"),
        ("an astronaut drifts past a planet", "space", None),
        ("an idea takes shape", "abstract", None),
        ("", "abstract", None),
    ],
)
def test_words_choose_theme_and_light(show: str, theme: str, light: str | None) -> None:
    recipe = recipe_for(query(show))
    assert recipe.theme == theme
    assert recipe.light == light or (light is None and recipe.light in {*USUAL_LIGHTS[recipe.theme], "overcast"})


def test_search_phrases_decide_when_the_description_names_no_place() -> None:
    assert recipe_for(query("where it all began", "old city street", "evening")).theme == "city"
    assert recipe_for(query("where it all began", "old city street", "evening")).light == "sunset"


def test_the_description_counts_more_than_the_search_phrases() -> None:
    assert recipe_for(query("a desert", "ocean waves", "beach")).theme == "desert"


def test_a_word_inside_another_word_does_not_count() -> None:
    assert recipe_for(query("carpet, scare, disease, firewood")).theme == "abstract"


def test_the_same_query_gets_the_same_recipe() -> None:
    assert recipe_for(query("ocean", seed=7)) == recipe_for(query("ocean", seed=7))


def test_each_shot_and_each_film_gets_a_seed_of_its_own() -> None:
    seeds = {recipe_for(query("ocean", shot=f"s{n}.1", seed=film)).seed for n in range(20) for film in range(5)}
    assert len(seeds) == 100


def test_a_shot_with_a_seed_of_its_own_gets_another_candidate_of_the_same_place() -> None:
    before, after = (SceneryProvider().search(query("waves at sunset", seed=seed))[0] for seed in (0, 41))
    assert before.id != after.id
    assert isinstance(before.origin, Painted)
    assert isinstance(after.origin, Painted)
    assert before.origin.recipe.model_copy(update={"seed": after.origin.recipe.seed}) == after.origin.recipe


def test_shots_of_one_film_agree_on_the_hour_when_no_words_name_it() -> None:
    for film in range(6):
        assert len({recipe_for(query("ocean", shot=f"s{n}.1", seed=film)).light for n in range(8)}) == 1


def test_every_stem_leads_to_its_own_theme_or_light() -> None:
    for theme, stems in THEMES.items():
        for stem in stems.split():
            assert recipe_for(query(stem.rstrip("$"))).theme == theme, stem
    for light, stems in LIGHTS.items():
        for stem in stems.split():
            assert recipe_for(query(stem.rstrip("$"))).light == light, stem


def test_the_provider_offers_exactly_one_candidate_that_loses_to_real_footage() -> None:
    asked = query("waves at sunset")
    [candidate] = SceneryProvider().search(asked)
    assert candidate.kind == "scenery"
    assert candidate.origin == Painted(recipe=recipe_for(asked))
    assert candidate.id == f"scenery:ocean:sunset:{recipe_for(asked).seed}"
    assert candidate.score <= 0.1
    assert (candidate.provenance.provider, candidate.provenance.licence) == ("scenery", "generated")
    assert candidate.provenance.credit == ""


def test_a_shot_that_names_no_place_or_hour_plays_where_and_when_the_film_does() -> None:
    lost = query("nobody asks for a receipt").model_copy(update={"about": ("city", "tram", "morning", "bread")})
    assert (recipe_for(lost).theme, recipe_for(lost).light) == ("city", "sunrise")
    own = query("snow fell at night").model_copy(update={"about": ("city", "tram", "morning")})
    assert (recipe_for(own).theme, recipe_for(own).light) == ("snow", "night")


def test_a_beach_is_asked_for_by_name_and_so_is_the_open_sea() -> None:
    assert recipe_for(query("waves crashing on the beach")).view == "shore"
    assert recipe_for(query("a ship on the horizon")).view == "open"
    assert recipe_for(query("sunset over the ocean")).view == ""
    assert recipe_for(query("a sand castle in the city street and its skyline")).view == ""


def test_rain_falls_on_the_place_that_is_named() -> None:
    wet = recipe_for(query("rain in the city"))
    assert (wet.theme, wet.weather) == ("city", "rain")
    assert recipe_for(query("rain drums on the roof")).theme == "rain"
    assert recipe_for(query("snowfall in the forest")).weather == "snow"
    assert recipe_for(query("a galaxy like rain")).weather == ""
