"""`python -m retriever.main`: searches and downloads footage."""

import sys
from functools import partial

from common.worker.service import Service, serve
from retriever import tasks
from retriever.providers.registry import FACTORIES


def service(factories: tasks.Factories = FACTORIES) -> Service:
    """A retriever that may have these providers."""
    return Service(
        name="retriever",
        queue="retrieve",
        slots=lambda settings: settings.slots(settings.retriever_slots),
        handlers=partial(tasks.handlers, factories=factories),
        engines=partial(tasks.engines, factories=factories),
        call_offs=partial(tasks.call_offs, factories=factories),
    )


SERVICE = service()

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
