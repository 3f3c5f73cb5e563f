"""`python -m renderer.main`: renders segments, mixes and films."""

import sys

from common.worker.service import Service, serve
from renderer import tasks

SERVICE = Service(
    name="renderer",
    queue="render",
    slots=lambda settings: settings.slots(settings.render_slots),
    handlers=tasks.handlers,
    engines=tasks.engines,
)

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
