"""Messages for requests that do not fit the contract: the field as the user writes it, and the cure."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.errors import FieldError
from api.http.json_body import path_of
from common.contracts.edit import SCENE_ID, SHOT_ID

WHOLE = "request"
"Stands for the body as a whole where no single field is wrong."

MOST_FAULTS = 1_000
"Who sends a million of them is not told each."

_HINTS = {
    "asset": "must be an asset id as POST /mcp/assets returns it (ast_ and 32 digits)",
    "url": "must be an http or https address",
    "voice": "must be the id of a voice, as GET /mcp/voices lists them",
    "language": "must be a language tag such as en or pt-BR",
}
_PATTERNS = {
    SCENE_ID: "must be the id of a scene, such as s1; GET /mcp/storyboard/<job_id> lists them",
    SHOT_ID: "must be the id of a shot, such as s1.2; GET /mcp/storyboard/<job_id> lists them",
}
_NOT_YET = {"callback_url": "webhooks are not available yet; poll /mcp/status/<job_id>"}
_PHRASES = (
    ("Input should be", "must be"),
    ("String should", "must"),
    ("Tuple should", "must"),
    ("Dictionary should", "must"),
    ("Value error, ", ""),
    (" after validation", ""),
)


def field_error(fault: ErrorDetails) -> FieldError:
    """One fault in our words."""
    return FieldError(path_of(fault["loc"]) or WHOLE, _message(fault["type"], fault["msg"], fault["loc"]))


def innermost(error: ValidationError) -> list[ErrorDetails]:
    """The faults: what is wrong inside a list or an object is not reported for the whole again. Not more than
    `MOST_FAULTS`.
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_FAULTS]
    outer = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["loc"] not in outer]


def _message(kind: str, text: str, location: tuple[int | str, ...]) -> str:
    last = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return _NOT_YET.get(last, "is no field we know; leave it out")
    if kind == "missing":
        return "is required"
    if kind in ("model_type", "dict_type"):
        return "must be a JSON object"
    if kind == "tuple_type":
        return "must be a JSON list"
    if kind == "string_pattern_mismatch":
        hints = [hint for pattern, hint in _PATTERNS.items() if f"'{pattern}'" in text]
        text = _HINTS.get(last) or next(iter(hints), text)
    for theirs, ours in _PHRASES:
        text = text.replace(theirs, ours)
    return text
