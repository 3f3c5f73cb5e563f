"""`python -m retriever.main`: searches and downloads footage."""

import sys

from common.worker.service import Service, serve
from retriever import tasks

SERVICE = Service(
    name="retriever",
    queue="retrieve",
    slots=lambda settings: settings.retriever_slots,
    handlers=tasks.handlers,
    engines=tasks.engines,
)

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
