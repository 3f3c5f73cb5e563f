"""The fields of stored documents, by schema. They change with its number only: older documents must stay readable."""

import json
import os
from typing import Any

from common.documents import SCHEMAS
from tests.support.golden import FOLDER, check_golden

GOLDEN = "documents.json"
CURE = "raise its number in SCHEMAS and register in UPGRADES how an older one is read (common/documents.py)"


def test_fields_of_stored_documents_change_with_their_schema_number_only() -> None:
    fields = {str(schema): _fields(kind.model_json_schema()) for kind, schema in SCHEMAS.items()}
    before = json.loads((FOLDER / GOLDEN).read_text())
    for schema in fields.keys() & before.keys():
        assert fields[schema] == before[schema], f"the fields of {schema} have changed: {CURE}"
    missing = sorted(fields.keys() - before.keys())
    assert not missing or os.environ.get("UPDATE_GOLDEN"), f"{missing} are new; write them down with UPDATE_GOLDEN=1"
    check_golden(GOLDEN, json.dumps(before | fields, indent=1, sort_keys=True) + "\n")


def _fields(schema: dict[str, Any]) -> dict[str, list[str]]:
    """By contract, its fields; those without a default are marked. Values a field may have are not part of that."""
    found = {"": _names(schema)}
    return found | {name: _names(part) for name, part in schema.get("$defs", {}).items() if "properties" in part}


def _names(schema: dict[str, Any]) -> list[str]:
    required = schema.get("required", [])
    return [f"{name}{' (required)' if name in required else ''}" for name in sorted(schema["properties"])]
