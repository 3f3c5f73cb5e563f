"""The result of a job, whatever kind it is of."""

from collections.abc import Callable, Mapping
from typing import Any

from api.films import Films
from api.previews import Previews
from api.records import Records
from common.contracts.job_kinds import JOB_KINDS, Makes

View = Callable[[str, str, int | None], dict[str, Any]]
"Takes the owner, the job and a version of it (None: the newest)."


class Results:
    """The use case of results: a view for everything that a job may make."""

    def __init__(self, records: Records, films: Films, previews: Previews) -> None:
        self._records = records
        self._views: Mapping[Makes, View] = {
            Makes.FILM: films.result,
            Makes.SOUND: lambda owner, job_id, version: previews.result(owner, job_id),
        }

    def result(self, owner: str, job_id: str, version: int | None = None) -> dict[str, Any]:
        job = self._records.job(owner, job_id)
        return self._views[JOB_KINDS[job.kind].makes](owner, job_id, version)
