"""`python -m orchestrator.main`: the planner's queue, and the reconciler beside it."""

import sys

from common.messaging.service import Service, serve
from orchestrator import tasks
from orchestrator.reconciler import reconcile

SERVICE = Service(
    name="orchestrator",
    queue="orchestrate",
    slots=lambda settings: settings.orchestrator_slots,
    handlers=tasks.handlers,
    engines=tasks.engines,
    pool="threads",
    beside=(reconcile,),
)

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
