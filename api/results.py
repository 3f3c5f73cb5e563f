"""The result of a job, whatever kind it is of."""

from collections.abc import Callable, Mapping
from typing import Any

from api.errors import Unknown
from api.films import Films
from api.previews import Previews
from api.records import Records
from common.contracts.job_kinds import Makes, kind_of_job

View = Callable[[str, str, int | None], dict[str, Any]]
"Takes the owner, the job and a version of it (None: the newest)."


class Results:
    """The use case of results: a view for everything that a job may make."""

    def __init__(self, records: Records, films: Films, previews: Previews) -> None:
        self._records = records
        self._views: Mapping[Makes, View] = {
            Makes.FILM: films.result,
            Makes.SOUND: previews.result,
            Makes.OTHER: _unknown,
        }

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        job = self._records.job(owner, job_id)
        return self._views[kind_of_job(job.kind).makes](owner, job_id, version)


def _unknown(owner: str, job_id: str, version: int | None) -> dict[str, Any]:
    raise Unknown("no_result", f"this release does not know what the job {job_id} makes; ask the one that accepted it")
