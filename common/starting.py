"""What every service does first: it reads its settings, begins to log, and tries its folder for temporary files."""

from common import scratch
from common.logs import settings_and_logs
from common.settings import BadSetting, Settings


def start(service: str) -> Settings:
    """The settings of the service. Raises `BadSetting`."""
    settings = settings_and_logs(service)
    check_scratch(settings)
    return settings


def check_scratch(settings: Settings) -> None:
    """Makes the folder for temporary files, removes what killed processes have left there, and tries to write.

    Raises `BadSetting`. A full disk is none: what fills it may go away.
    """
    folder = settings.scratch()
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        for parent in {folder, None}:
            scratch.sweep(parent)
        scratch.try_to_write(folder)
    except OSError as error:
        where = f"{folder} cannot be written to" if folder is not None else "the system's own cannot be written to"
        cure = "WORK_DIR must be a folder that this service can write to, or empty for the system's own"
        raise BadSetting(f"{cure}: {where} ({error.strerror})") from None
