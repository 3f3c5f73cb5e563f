"""`python -m infra.buckets`: makes the buckets that are missing, on any S3 server, and ends.

For a fresh store, as the first step of an installation. Run again, it changes nothing.
"""

import argparse
import sys
import time

from common.errors import StorageUnavailable
from common.settings import BadSetting, Settings
from common.settings.declared import BUCKETS
from common.starting import tell_faults
from common.storage.s3 import S3Storage

WAIT_SECONDS = 60.0
PAUSE_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Exit code: 0 all buckets are there, 1 the store did not answer or refused, 2 settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.buckets", description="Makes the buckets that are missing.")
    wait = f"how long to wait for the store ({WAIT_SECONDS:g})"
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, metavar="SECONDS", help=wait)
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_env(service=BUCKETS)
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
    while True:
        try:
            return storage.make_buckets()
        except StorageUnavailable:
            if time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
