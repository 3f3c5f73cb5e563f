"""The parameters of addresses: each says which it takes, and others are refused, as they would do nothing."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from flask import current_app, request

from api.errors import FieldError, raise_if_any

View = TypeVar("View", bound=Callable[..., Any])
FREE = ("health",)
"Blueprints that do not look at parameters: whoever probes health may add some against caches."
LONGEST_NAME = 60


def takes(*names: str) -> Callable[[View], View]:
    """Says on a view which parameters its address takes; without it there are none."""

    def said(view: View) -> View:
        view.query = names  # type: ignore[attr-defined]
        return view

    return said


def refuse_unknown() -> None:
    """Raises `InvalidFields` for parameters that the address does not take, or that are given twice."""
    if request.endpoint is None or request.blueprint in FREE:
        return
    known: Collection[str] = getattr(current_app.view_functions[request.endpoint], "query", ())
    there_are = f"takes {' and '.join(known)}" if known else "takes no parameters"
    raise_if_any(
        [
            FieldError(name[:LONGEST_NAME], f"is no parameter of this address, which {there_are}")
            for name in request.args
            if name not in known
        ]
        + [FieldError(name, "is given twice; give it once") for name in known if len(request.args.getlist(name)) > 1]
    )
