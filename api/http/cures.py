"""Cures of errors in words, with the addresses that help."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.errors import Cure, FieldError, LastGood, Refusal, Remedy

WORDS: Mapping[Remedy, str] = {
    Remedy.FOLLOW: "poll /mcp/status/{job}",
    Remedy.RESUME: "POST /mcp/resume/{job} makes what is missing",
    Remedy.RESUME_LATER: "once the job has ended, POST /mcp/resume/{job} makes what is missing",
    Remedy.RESTORE: "POST /mcp/versions/{job}/{version}/restore makes it anew",
    Remedy.EARLIER_FILM: "the film of version {version} is there: /mcp/result/{job}?version={version}",
    Remedy.LIST_VERSIONS: "GET /mcp/versions/{job} has a link to it",
    Remedy.LIST_CANDIDATES: "GET /mcp/scenes/{job}/{scene} lists them",
    Remedy.LIST_VOICES: "GET /mcp/voices lists them",
    Remedy.UPLOAD: "upload it first with POST /mcp/assets",
}


def refusal_detail(error: Refusal) -> str:
    """The whole sentence of an error."""
    return _with_cures(str(error), error.cures)


def field_detail(error: FieldError) -> str:
    """The whole sentence of a fault of a request, without the field."""
    return _with_cures(error.message, [error.cure] if error.cure is not None else [])


def last_good_view(film: LastGood) -> dict[str, Any]:
    """A film that is there, as a member of the answer for one that is not."""
    address = f"/mcp/result/{film.job}?version={film.version}"
    return {"version": film.version, "result": address, **film.links}


def _with_cures(message: str, cures: Sequence[Cure]) -> str:
    return "; ".join([message, *(WORDS[cure.remedy].format(**cure._asdict()) for cure in cures)])
