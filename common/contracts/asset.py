"""Files that users brought."""

from common.contracts.base import Contract


class Asset(Contract):
    """An uploaded file, as `about.json` beside it says."""

    media_type: str
    size: int
    "In bytes."
    sha256: str
    name: str
    "As the user called it; for people only."

    @property
    def id(self) -> str:
        return f"ast_{self.sha256[:32]}"
