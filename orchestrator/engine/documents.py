"""Stored documents a decision is made from, parsed once. Pure."""

from typing import TypeVar

from common.contracts.base import Contract, ObjectRef
from common.contracts.job import Failure
from common.documents import UnreadableDocument, read_document
from orchestrator.engine.working_copy import WorkingCopy

Body = TypeVar("Body", bound=Contract)


def body(copy: WorkingCopy, kind: type[Body], ref: ObjectRef) -> Body | None:
    """A stored document; None until the reconciler has read it.

    None as well for one that cannot be read: what a step has made it makes again; without others the job ends.
    """
    data = copy.body(ref)
    if data is None:
        return None
    try:
        return copy.memo(read_document, kind, data, of=ref.key)
    except UnreadableDocument as error:
        if not copy.disown(ref):
            copy.final[""] = Failure(code=error.code, message=str(error))
        return None
