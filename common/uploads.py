"""Uploaded files in storage: two objects each, `media` and `about.json`.

<owner>/asset/<asset id>/media, about.json
"""

from common.contracts.asset import Asset
from common.contracts.base import ObjectRef
from common.documents import UnreadableDocument, read_document
from common.errors import ObjectMissing
from common.storage.port import Storage


def media_key(owner: str, asset_id: str) -> str:
    return f"{owner}/asset/{asset_id}/media"


def about_key(owner: str, asset_id: str) -> str:
    return f"{owner}/asset/{asset_id}/about.json"


def read_asset(storage: Storage, bucket: str, owner: str, asset_id: str) -> Asset | None:
    """The asset; None if the owner has no such one, or its `about.json` is unreadable. Raises `StorageUnavailable`."""
    try:
        return read_document(Asset, storage.get_bytes(bucket, about_key(owner, asset_id)))
    except (ObjectMissing, UnreadableDocument):
        return None


def uploaded(storage: Storage, bucket: str, owner: str, asset_id: str) -> ObjectRef | None:
    """The object with the file itself. None and errors as with `read_asset`."""
    asset = read_asset(storage, bucket, owner, asset_id)
    if asset is None:
        return None
    key = media_key(owner, asset_id)
    return ObjectRef(key=key, sha256=asset.sha256, size=asset.size, media_type=asset.media_type)
