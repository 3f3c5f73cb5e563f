"""The result of a job, whatever kind it is of."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from api.errors import Unknown
from api.films import Films
from api.previews import Previews
from api.records import Records
from api.transcriptions import Transcriptions
from common.contracts.job_kinds import Makes, kind_of_job

View = Callable[[str, str, int | None], dict[str, Any]]
"Takes the owner, the job and a version of it (None: the newest)."


class Makers(NamedTuple):
    """The use cases of everything that jobs make."""

    films: Films
    previews: Previews
    transcriptions: Transcriptions


def views_of(makers: Makers) -> Mapping[Makes, View]:
    """A view for everything that a job may make."""
    return {
        Makes.FILM: makers.films.result,
        Makes.SOUND: makers.previews.result,
        Makes.TRANSCRIPT: makers.transcriptions.result,
        Makes.OTHER: _unknown,
    }


class Results:
    """The use case of results, which shows each with the view for what the job makes."""

    def __init__(self, records: Records, views: Mapping[Makes, View]) -> None:
        self._records, self._views = records, views

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        job = self._records.job(owner, job_id)
        return self._views[kind_of_job(job.kind).makes](owner, job_id, version)


def _unknown(owner: str, job_id: str, version: int | None) -> dict[str, Any]:
    raise Unknown("no_result", f"this release does not know what the job {job_id} makes; ask the one that accepted it")
