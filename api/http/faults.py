"""Requests for films: either they can be used, or all their faults are told at once.

A request with a fault in one field is checked on without it, as nobody wants to meet faults one by one. What takes
the place of a fault is never used for anything else.
"""

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from api.batches import MAX_REQUESTS, BatchRequest
from api.errors import FieldError, raise_if_any
from api.http.json_body import too_deep
from api.http.messages import WHOLE, field_errors, innermost
from common.contracts.request import VideoRequest
from common.errors import StorageUnavailable
from common.jobs.scripts import StateUnavailable

Checks = Callable[[VideoRequest], list[FieldError]]
"Faults that only this server can see: of files that are not here, and voices nobody has."
STAND_IN = {"prompt": "x"}
SUBJECTS = ("prompt", "script", "scenes")
HOLDERS = ("scenes", "music", "watermark")
"Fields that may name an asset: of these only the faulty part is put aside."
ALTERNATIVES = ("asset", "text", "url")
"Parts without which what holds them says nothing."
ROUNDS = 8
"Most times that a request is looked at: some faults hide others."


def film_request(body: dict[str, Any], checks: Checks) -> VideoRequest:
    """The request that a body is. Raises `InvalidFields` with everything that is wrong with it."""
    request, faults = _read(body, checks)
    raise_if_any(faults)
    assert request is not None
    return request


def film_requests(body: dict[str, Any], checks: Checks) -> BatchRequest:
    """The requests of a batch, in the same way."""
    faults = too_deep({name: value for name, value in body.items() if name != "requests"})
    items = body.get("requests")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_REQUESTS:
        return BatchRequest.model_validate(body)  # which fails for this
    try:
        BatchRequest.model_validate({**body, "requests": [STAND_IN]})
    except ValidationError as error:
        faults += field_errors(error)
    requests = []
    for index, item in enumerate(items):
        request, found = _read(item, checks)
        faults += [fault._replace(field=_within(f"requests[{index}]", fault.field)) for fault in found]
        requests.append(request)
    raise_if_any(faults)
    return BatchRequest.model_validate({"requests": requests})


def _within(outer: str, field: str) -> str:
    return outer if field == WHOLE else f"{outer}.{field}"


def _read(body: Any, checks: Checks) -> tuple[VideoRequest | None, list[FieldError]]:
    """The request, or its faults. Those that `checks` finds are looked for only if there are others."""
    if not isinstance(body, dict):
        return None, [FieldError(WHOLE, "must be a JSON object")]
    faults = _at_the_door(body)
    rest = {name: value for name, value in body.items() if name not in {fault.field for fault in faults}}
    if not faults:
        with contextlib.suppress(ValidationError):
            return VideoRequest.model_validate(rest), []
    whole, request, aside = _without_faults(copy.deepcopy(rest))
    faults += whole
    if request is not None:
        # With a store that is away the other faults can be told all the same.
        with contextlib.suppress(StateUnavailable, StorageUnavailable):
            faults += [fault for fault in checks(request) if fault.field not in aside]
    return None, faults


def _at_the_door(body: dict[str, Any]) -> list[FieldError]:
    faults = too_deep(body)
    if "callback_url" in body:
        faults.append(FieldError("callback_url", "webhooks are not available yet; poll /mcp/status/<job_id>"))
    return faults


def _without_faults(body: dict[str, Any]) -> tuple[list[FieldError], VideoRequest | None, set[str]]:
    """The faults of the form, what is left of the request without them (None: nothing), and what was put aside."""
    faults: dict[FieldError, None] = {}
    aside: set[str] = set()
    for _ in range(ROUNDS):
        try:
            return list(faults), VideoRequest.model_validate(body), aside
        except ValidationError as error:
            faults |= dict.fromkeys(field_errors(error))
            for location in {fault["loc"] for fault in innermost(error)}:
                aside.add(str(location[0]) if location else "")
                _put_aside(body, location)
    return list(faults), None, aside


def _put_aside(body: dict[str, Any], location: tuple[str | int, ...]) -> None:
    """Removes what is wrong there, and puts something in the place of what a request cannot do without."""
    if not location:
        return _put_shape_and_subject_aside(body)
    name = str(location[0])
    holder = body.get(name)
    if name == "scenes" and len(location) > 1 and isinstance(holder, list):
        return _put_part_of_scene_aside(holder, location[1:])
    if name in HOLDERS and isinstance(holder, dict) and len(location) > 1 and location[1] not in ALTERNATIVES:
        holder.pop(str(location[1]), None)
        return None
    body.pop(name, None)
    if name in SUBJECTS:
        body[name] = [_scene()] if name == "scenes" else "x"
    return None


def _put_part_of_scene_aside(scenes: list[Any], location: Sequence[str | int]) -> None:
    index, part = location[0], location[1] if len(location) > 1 else None
    assert isinstance(index, int)
    scene = scenes[index]
    if part is None or not isinstance(scene, dict):
        scenes[index] = _scene()
        return
    scene.pop(part, None)
    scene.setdefault("show", "x")


def _put_shape_and_subject_aside(body: dict[str, Any]) -> None:
    """For a fault of the whole: two shapes, or no subject, or several, or too much to say."""
    if "size" in body and "aspect" in body:
        del body["size"]
        return
    subject = next((name for name in reversed(SUBJECTS) if body.get(name) is not None), "prompt")
    kept = body.get(subject) or "x"
    for name in SUBJECTS:
        body.pop(name, None)
    body[subject] = [_without_words(scene) for scene in kept] if isinstance(kept, list) else kept


def _without_words(scene: dict[str, Any]) -> dict[str, Any]:
    return {"show": "x", **{name: value for name, value in scene.items() if name != "narration"}}


def _scene() -> dict[str, Any]:
    return {"show": "x"}
