"""`python -m orchestrator.main`: the planner's queue, and beside it the reconciler and the janitor."""

import sys

from common.worker.service import Service, serve
from orchestrator import tasks
from orchestrator.cleanup.janitor import janitor
from orchestrator.reconciler import reconcile

SERVICE = Service(
    name="orchestrator",
    queue="orchestrate",
    slots=lambda settings: settings.slots(settings.orchestrator_slots),
    handlers=tasks.handlers,
    engines=tasks.engines,
    pool="threads",
    beside=(reconcile, janitor),
)

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
