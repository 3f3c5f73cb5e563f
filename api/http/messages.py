"""Messages for requests that do not fit the contract: the field as the user writes it, and the cure."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.errors import FieldError

WHOLE = "request"
"Stands for the body as a whole where no single field is wrong."

_HINTS = {
    "asset": "must be an asset id as POST /mcp/assets returns it (ast_ and 32 digits)",
    "url": "must be an http or https address",
    "voice": "must be the id of a voice, as GET /mcp/voices lists them",
    "language": "must be a language tag such as en or pt-BR",
}
_PHRASES = (
    ("Input should be", "must be"),
    ("String should", "must"),
    ("Tuple should", "must"),
    ("Dictionary should", "must"),
    ("Value error, ", ""),
    (" after validation", ""),
)


def field_errors(error: ValidationError) -> list[FieldError]:
    """One per fault."""
    return [
        FieldError(_path(fault["loc"]), _message(fault["type"], fault["msg"], fault["loc"]))
        for fault in innermost(error)
    ]


def innermost(error: ValidationError) -> list[ErrorDetails]:
    """The faults: what is wrong inside a list or an object is not reported for the whole again."""
    faults = error.errors()
    outer = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return [fault for fault in faults if fault["loc"] not in outer]


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or WHOLE


def _message(kind: str, text: str, location: tuple[int | str, ...]) -> str:
    last = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return "is no field we know"
    if kind == "missing":
        return "is required"
    if kind in ("model_type", "dict_type"):
        return "must be a JSON object"
    if kind == "tuple_type":
        return "must be a JSON list"
    if kind == "string_pattern_mismatch" and last in _HINTS:
        return _HINTS[last]
    for theirs, ours in _PHRASES:
        text = text.replace(theirs, ours)
    return text
