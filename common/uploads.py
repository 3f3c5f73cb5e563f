"""The files that users have uploaded: two objects each, `media` and `about.json`.

<owner>/asset/<asset id>/media, about.json
"""

from pydantic import ValidationError

from common.contracts.base import Contract, ObjectRef
from common.errors import ObjectMissing
from common.storage.port import Storage


class Asset(Contract):
    """An uploaded file, as `about.json` describes it."""

    media_type: str
    size: int
    "In bytes."
    sha256: str
    name: str
    "As the user called it; for people only."

    @property
    def id(self) -> str:
        return f"ast_{self.sha256[:32]}"


def media_key(owner: str, asset_id: str) -> str:
    return f"{owner}/asset/{asset_id}/media"


def about_key(owner: str, asset_id: str) -> str:
    return f"{owner}/asset/{asset_id}/about.json"


def read_asset(storage: Storage, bucket: str, owner: str, asset_id: str) -> Asset | None:
    """None if the owner has no such asset, or its `about.json` cannot be read. Raises `StorageUnavailable`."""
    try:
        return Asset.model_validate_json(storage.get_bytes(bucket, about_key(owner, asset_id)))
    except (ObjectMissing, ValidationError):
        return None


def uploaded(storage: Storage, bucket: str, owner: str, asset_id: str) -> ObjectRef | None:
    """The object with the file itself. None and errors as with `read_asset`."""
    asset = read_asset(storage, bucket, owner, asset_id)
    if asset is None:
        return None
    key = media_key(owner, asset_id)
    return ObjectRef(key=key, sha256=asset.sha256, size=asset.size, media_type=asset.media_type)
