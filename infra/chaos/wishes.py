"""Wishes about jobs under way: cancel, resume, edit, regenerate, restore.

A wish whose answer was lost may have been granted or not, so the job may then end either way.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.chaos.client import Api, Silent
from infra.chaos.expectations import CANCELLED, COMPLETED, ENDED, Entry, Expectations
from infra.chaos.orders import sentence

EITHER = frozenset({COMPLETED, CANCELLED})
WISH_SECONDS = 5.0


def cancel(api: Api, entry: Entry, _: random.Random, expectations: Expectations) -> None:
    before, entry.may_end = entry.may_end, EITHER
    try:
        status, answer = api.ask("POST", f"/mcp/cancel/{entry.job}", seconds=WISH_SECONDS)
    except Silent:
        return
    if status == 202 and answer.get("status") not in ENDED - {CANCELLED}:
        entry.may_end = frozenset({CANCELLED})
        expectations.grant("cancel")
    elif status in (202, 409):
        entry.may_end = before  # it had ended already
    else:
        expectations.complain(f"the wish to cancel {entry.job} was answered {status}: {answer}")


def resume(api: Api, entry: Entry, _: random.Random, expectations: Expectations) -> None:
    try:
        status, view = api.ask("GET", f"/mcp/status/{entry.job}", seconds=WISH_SECONDS)
        if view.get("status") != CANCELLED:
            return  # it has not ended yet
        entry.may_end = EITHER
        status, answer = api.ask("POST", f"/mcp/resume/{entry.job}", seconds=WISH_SECONDS)
    except Silent:
        return
    if status == 202:
        entry.may_end = frozenset({COMPLETED})
        expectations.grant("resume")
    elif status != 409:  # asked again because the answer was lost, it runs already
        expectations.complain(f"the wish to resume {entry.job} was answered {status}: {answer}")


def edit(api: Api, entry: Entry, rng: random.Random, expectations: Expectations) -> None:
    """Other words for one scene."""

    def change(version: int, scene: str) -> tuple[int, dict[str, Any]]:
        changes = {"version": version, "scenes": [{"id": scene, "narration": sentence(rng)}]}
        return api.ask("PATCH", f"/mcp/storyboard/{entry.job}", seconds=WISH_SECONDS, json=changes)

    _revise(api, entry, rng, expectations, "edit", change)


def regenerate(api: Api, entry: Entry, rng: random.Random, expectations: Expectations) -> None:
    """Another picture for one scene."""

    def change(version: int, scene: str) -> tuple[int, dict[str, Any]]:
        where = f"/mcp/scenes/{entry.job}/{scene}/regenerate"
        return api.ask("POST", where, seconds=WISH_SECONDS, json={"version": version})

    _revise(api, entry, rng, expectations, "regenerate", change)


def restore(api: Api, entry: Entry, rng: random.Random, expectations: Expectations) -> None:
    """Back to an earlier version."""

    def change(version: int, _: str) -> tuple[int, dict[str, Any]]:
        if version == 1:
            return 409, {}  # there is no earlier one
        where = f"/mcp/versions/{entry.job}/{rng.randrange(1, version)}/restore"
        return api.ask("POST", where, seconds=WISH_SECONDS)

    _revise(api, entry, rng, expectations, "restore", change)


def _revise(
    api: Api,
    entry: Entry,
    rng: random.Random,
    expectations: Expectations,
    word: str,
    change: Callable[[int, str], tuple[int, dict[str, Any]]],
) -> None:
    try:
        status, storyboard = api.ask("GET", f"/mcp/storyboard/{entry.job}", seconds=WISH_SECONDS)
        if status == 409:
            return  # it is not planned yet
        scenes: Sequence[Mapping[str, Any]] = storyboard.get("scenes", ())
        if status != 200 or not scenes:
            expectations.complain(f"the storyboard of {entry.job} was answered {status}: {storyboard}")
            return
        status, answer = change(int(storyboard["version"]), str(rng.choice(scenes)["id"]))
    except Silent:
        return
    if status == 202:
        expectations.grant(word)
    elif status not in (200, 409):  # 200: it is so already
        expectations.complain(f"the wish to {word} {entry.job} was answered {status}: {answer}")


FITS: Mapping[Any, Callable[[Entry], bool]] = {
    cancel: lambda entry: entry.may_end == {COMPLETED},
    resume: lambda entry: entry.may_end == {CANCELLED},
    edit: lambda entry: entry.may_end == {COMPLETED},
    regenerate: lambda entry: entry.may_end == {COMPLETED},
    restore: lambda entry: entry.may_end == {COMPLETED},
}
"Jobs that a wish suits: after a wish, only one whose ending is known gets another."
