"""Names the field and says the cure, in the words of whoever wrote the request."""

from pydantic import ValidationError

from api.errors import FieldError

WHOLE = "request"
"Stands for the body as a whole where no single field is wrong."

_HINTS = {
    "asset": "must be an asset id as POST /mcp/assets returns it (ast_ and 32 digits)",
    "url": "must be an http or https address",
    "voice": "must be the name of a voice: letters, digits and _ . + -",
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
    """One per fault: what is wrong inside a list or an object is not told of the whole again."""
    found = error.errors()
    outer = {one["loc"][:depth] for one in found for depth in range(len(one["loc"]))}
    return [
        FieldError(_path(one["loc"]), _message(one["type"], one["msg"], one["loc"]))
        for one in found
        if one["loc"] not in outer
    ]


def _path(places: tuple[int | str, ...]) -> str:
    text = "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places)
    return text.removeprefix(".") or WHOLE


def _message(kind: str, text: str, places: tuple[int | str, ...]) -> str:
    last = str(places[-1]) if places else ""
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
