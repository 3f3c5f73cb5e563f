"""The fields of what is stored. A difference means another schema number, with an upgrade: see common/documents.py."""

import json
from typing import Any

from common.documents import SCHEMAS
from tests.support.golden import check_golden


def test_fields_of_stored_documents_change_with_their_schema_number_only() -> None:
    fields = {str(schema): _plain(kind.model_json_schema()) for kind, schema in SCHEMAS.items()}
    check_golden("documents.json", json.dumps(fields, indent=1, sort_keys=True) + "\n")


def _plain(schema: Any) -> Any:
    """The schema without what is said about it."""
    if isinstance(schema, dict):
        told = {name for name in ("title", "description") if isinstance(schema.get(name), str)}
        return {name: _plain(value) for name, value in schema.items() if name not in told}
    return [_plain(value) for value in schema] if isinstance(schema, list) else schema
