"""Files that users brought, as the API stores them."""

import hashlib
import json
from pathlib import Path
from typing import Any

from common.uploads import about_key, media_key
from common.worker.steprun import StepRun

ASSET = "ast_" + "a" * 32


def upload(run: StepRun, path: Path, **about: Any) -> None:
    """Stores the file as `ASSET` of the step's owner."""
    data = path.read_bytes()
    facts = {
        "media_type": "video/mp4",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "name": "my clip",
    }
    run.storage.put_bytes(run.assets, media_key(run.owner, ASSET), data, "video/mp4")
    body = json.dumps(facts | about).encode()
    run.storage.put_bytes(run.assets, about_key(run.owner, ASSET), body, "application/json")
