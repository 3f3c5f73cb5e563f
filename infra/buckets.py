"""`python -m infra.buckets`: makes the buckets that are missing, on any S3 server, and ends.

For a fresh store, as the first step of an installation. Run again, it changes nothing.
"""

import argparse
import logging
import sys
import time

from common.errors import StorageUnavailable
from common.logs import settings_and_logs, tell_faults
from common.settings import BadSetting
from common.settings.declared import BUCKETS
from common.storage.s3 import S3Storage

log = logging.getLogger(__name__)

WAIT_SECONDS = 60.0
PAUSE_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Exit code: 0 all buckets are there, 1 the store did not answer or refused, 2 settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.buckets", description="Makes the buckets that are missing.")
    wait = f"how long to wait for the store ({WAIT_SECONDS:g})"
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, metavar="SECONDS", help=wait)
    options = parser.parse_args(arguments)
    try:
        settings = settings_and_logs(BUCKETS)
        made = _made(S3Storage(settings), options.wait)
    except BadSetting as error:
        tell_faults("buckets", error)
        return 2
    except StorageUnavailable as error:
        tell_faults("buckets", error)
        return 1
    for bucket in dict.fromkeys((settings.assets_bucket, settings.videos_bucket)):
        print(f"{bucket}: {'made' if bucket in made else 'is there'}")
    return 0


def _made(storage: S3Storage, seconds: float) -> tuple[str, ...]:
    """Tries until it succeeds; returns the names of the buckets that were made. Raises `StorageUnavailable`."""
    deadline = time.monotonic() + seconds
    said = False
    while True:
        try:
            return storage.make_buckets()
        except StorageUnavailable as error:
            if time.monotonic() >= deadline:
                raise
            if not said:
                log.info("waiting for the object store: %s", error)
                said = True
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
