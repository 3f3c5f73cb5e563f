"""Small orders of every kind, drawn at random."""

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any


def orders(rng: random.Random, clip: str) -> Iterator[dict[str, Any]]:
    """Small orders of every kind, for ever. `clip` is the id of an uploaded clip; some orders come twice."""
    made: list[dict[str, Any]] = []
    for number in itertools.count(1):
        if made and rng.random() < 0.1:
            yield rng.choice(made)
            continue
        make = rng.choice((_prompt, _script, _own_clip, _tiny, _tiny))
        order = {
            **make(rng, number, clip),
            "seed": rng.randrange(1_000),
            "aspect": rng.choice(("16:9", "1:1", "9:16")),
            "captions": rng.choice(("burn", "file", "none")),
            "music": rng.choice(("none", "none", "calm")),
            "on_scene_failure": rng.choice(("fail", "fallback", "partial")),
            "metadata": {"order": number},
        }
        made.append(order)
        yield order


def batched(rng: random.Random, single: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The orders, now and then a few of them together."""
    for order in single:
        yield {"requests": [order, next(single)]} if rng.random() < 0.1 else order


def jobs_of(answer: Mapping[str, Any]) -> list[str]:
    """The jobs that an order was answered with."""
    return [str(item["job_id"]) for item in answer.get("jobs", [answer]) if "job_id" in item]


PLACES = ("the sea", "a forest", "the city", "a mountain", "the desert", "a meadow", "the night sky", "a lake")
DOINGS = ("wakes up", "falls silent", "is full of light", "waits for rain", "belongs to nobody")


def sentence(rng: random.Random) -> str:
    return f"{rng.choice(PLACES)} {rng.choice(DOINGS)}.".capitalize()


def _prompt(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"prompt": f"{rng.choice(PLACES)}, take {number}", "duration_target": rng.choice((3, 4, 5))}


def _script(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"script": f"Story {number}. " + " ".join(sentence(rng) for _ in range(rng.randint(1, 2)))}


def _own_clip(rng: random.Random, number: int, clip: str) -> dict[str, Any]:
    mine = {"narration": f"Clip {number}.", "media": {"asset": clip}, "duration": 1.0}
    return {"scenes": rng.sample([mine, _scene(rng)], 2)}


def _tiny(rng: random.Random, number: int, _: str) -> dict[str, Any]:
    return {"scenes": [_scene(rng)]}


def _scene(rng: random.Random) -> dict[str, Any]:
    return {"narration": sentence(rng) if rng.random() < 0.5 else "", "show": rng.choice(PLACES), "duration": 1.0}
