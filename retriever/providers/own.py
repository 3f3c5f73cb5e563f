"""Media the user named for a scene: an uploaded file, or an address. Nothing is searched for here."""

from common.contracts.footage import Candidate, OwnMedia, ShotQuery
from common.errors import BadMedia
from common.uploads import uploaded
from common.worker.steprun import StepRun
from retriever.providers.download import Downloads
from retriever.providers.port import FetchedFile, origin_of


class OwnMediaProvider:
    """The `Provider` of uploads or of addresses, which are two sources to a reader."""

    def __init__(self, name: str, downloads: Downloads) -> None:
        self.name, self._downloads = name, downloads

    def search(self, query: ShotQuery) -> list[Candidate]:
        return []

    def fetch(self, candidate: Candidate, run: StepRun) -> FetchedFile:
        media = origin_of(self.name, candidate, OwnMedia).media
        return _upload(media.asset, run) if media.asset is not None else self._downloads.fetch(media.url or "", run)


def _upload(asset: str, run: StepRun) -> FetchedFile:
    stored = uploaded(run.storage, run.assets, run.owner, asset)
    if stored is None:
        raise BadMedia(f"there is no uploaded asset {asset}; upload it again")
    return FetchedFile(run.fetch(stored, "asset"), stored, called=f"the uploaded asset {asset}")
