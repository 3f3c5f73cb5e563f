"""Uploaded files."""

from common.contracts.base import Contract


class Asset(Contract):
    """An uploaded file, as described by the `about.json` beside it."""

    media_type: str
    size: int
    "In bytes."
    sha256: str
    name: str
    "The user's own name for it; for people only."

    @property
    def id(self) -> str:
        return f"ast_{self.sha256[:32]}"
