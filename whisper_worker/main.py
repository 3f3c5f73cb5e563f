"""`python -m whisper_worker.main`: speaks narrations."""

import sys

from common.worker.service import Service, serve
from whisper_worker import tasks

SERVICE = Service(
    name="whisper_worker",
    queue="speech",
    slots=lambda settings: settings.slots(settings.speech_slots),
    handlers=tasks.handlers,
    engines=tasks.engines,
)

if __name__ == "__main__":
    sys.exit(serve(SERVICE))
