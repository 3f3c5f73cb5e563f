"""The forms of bodies: a contract each, and what takes the place of a part that is wrong while the rest is looked at.

A stand-in keeps the rules that hold for an object as a whole, so that these tell only what the user has got wrong. It
is never used for anything else.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from api.batches import BatchRequest
from api.http.json_body import Location
from common.contracts.base import Contract
from common.contracts.edit import EditRequest, RegenerateRequest, RestoreRequest
from common.contracts.preview import PreviewRequest
from common.contracts.request import VideoRequest
from common.contracts.transcription import TranscriptionRequest

SUBJECTS = ("prompt", "script", "scenes")
SCENE = {"show": "x"}
ASSET = "ast_" + "0" * 32
ADDRESS = "https://example.org"
MEDIA = {"url": ADDRESS}
NEWEST = 2**31 - 1
"Of versions; none is newer."


def _members(body: dict[str, Any]) -> Iterator[tuple[Location, Any]]:
    return (((name,), value) for name, value in body.items())


class Form(NamedTuple):
    """A kind of body. Places are written as `scenes[].show`."""

    contract: type[Contract]
    stand_ins: Mapping[str, Any] = {}
    "By place. A part without one is left out: its object can do without, or is put aside as well."
    wholes: Mapping[str, Callable[[dict[str, Any]], None]] = {}
    "By the place of an object: changes it so that it keeps a rule which it has broken as a whole."
    leaning: Mapping[str, tuple[str, ...]] = {}
    "By field: others of which nothing can be said while there is something wrong in it."
    members: Callable[[dict[str, Any]], Iterator[tuple[Location, Any]]] = _members
    "The parts of a body that may be nested so deep, each."


def _media(place: str) -> dict[str, Any]:
    return {place: MEDIA, f"{place}.asset": ASSET, f"{place}.url": ADDRESS}


def _new_scenes(place: str) -> dict[str, Any]:
    one = f"{place}[]"
    return {place: [SCENE], one: SCENE, f"{one}.narration": "x", f"{one}.show": "x", **_media(f"{one}.media")}


def _changes(place: str, name: str) -> dict[str, Any]:
    """Stand-ins of a list of changes to what has names; nothing has this one."""
    one = {"id": name}
    return {place: [one], f"{place}[]": one, f"{place}[].id": name, **_media(f"{place}[].media")}


def _mend_film(body: dict[str, Any]) -> None:
    """A film has two shapes, or no subject, or several, or too much to say."""
    if "size" in body and "aspect" in body:
        del body["size"]
        return
    subject = next((name for name in reversed(SUBJECTS) if body.get(name) is not None), "prompt")
    kept = body.get(subject) or "x"
    for name in SUBJECTS:
        body.pop(name, None)
    body[subject] = [_without_words(scene) for scene in kept] if isinstance(kept, list) else kept


def _without_words(scene: dict[str, Any]) -> dict[str, Any]:
    return {**SCENE, **{name: value for name, value in scene.items() if name != "narration"}}


def _mend_edit(body: dict[str, Any]) -> None:
    """It changes nothing."""
    body["voice"] = None


def _members_of_batch(body: dict[str, Any]) -> Iterator[tuple[Location, Any]]:
    """Those of every request count by themselves."""
    requests = body.get("requests")
    for name, value in body.items():
        if name != "requests" or not isinstance(requests, list):
            yield (name,), value
    for index, item in enumerate(requests if isinstance(requests, list) else ()):
        inner = item.items() if isinstance(item, dict) else ()
        yield from ((("requests", index, name), value) for name, value in inner)


_OF_FILM = {
    "prompt": "x",
    "script": "x",
    **_new_scenes("scenes"),
    "title.text": "x",
    "watermark.asset": ASSET,
    "watermark.text": "x",
}
FILM = Form(VideoRequest, _OF_FILM, {"": _mend_film})
BATCH = Form(
    BatchRequest,
    {
        "requests": [{"prompt": "x"}],
        "requests[]": {"prompt": "x"},
        **{f"requests[].{place}": stand_in for place, stand_in in _OF_FILM.items()},
    },
    {"requests[]": _mend_film},
    members=_members_of_batch,
)
EDIT = Form(
    EditRequest,
    {
        "version": NEWEST,
        "drop": ["s0"],
        "drop[]": "s0",
        "order": ["s0"],
        "order[]": "s0",
        **_new_scenes("add"),
        **_changes("scenes", "s0"),
        **_changes("shots", "s0.0"),
        "voice": None,
        "quality": None,
        "mood": None,
    },
    {"": _mend_edit},
    {"drop": ("order", "add", "scenes")},
)
REGENERATE, RESTORE = Form(RegenerateRequest), Form(RestoreRequest)
PREVIEW = Form(PreviewRequest, {"text": "x"})
TRANSCRIPTION = Form(TranscriptionRequest, {"asset": ASSET})
