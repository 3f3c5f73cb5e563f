"""`python -m orchestrator.collect`: removes stored objects that nothing refers to, for operators who cannot wait."""

import argparse
import sys

from common.errors import ReelwrightError
from common.jobs.store import connect
from common.logs import tell_faults
from common.settings import BadSetting, Settings
from common.storage.s3 import S3Storage
from orchestrator.cleanup.collect import Collector, report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orchestrator.collect", description="Removes unused objects.")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be removed, and remove nothing")
    dry_run = parser.parse_args().dry_run
    try:
        settings = Settings.from_env(service="orchestrator")
        store = connect(settings, timeout=30.0)
        if not store.toolchains_seen():
            # An empty Redis names nothing, so everything a running job has would look like garbage.
            raise BadSetting("STATE_URL leads to a Redis where no worker was seen for a day; is it the right one?")
        print(report(Collector(store, S3Storage(settings), settings).collect(dry_run)))
    except (BadSetting, ReelwrightError) as error:
        tell_faults("collect", error)
        return 1
    except OSError as error:
        print(f"collect: the folder for temporary files (WORK_DIR): {error.strerror}", file=sys.stderr)
        return 1
    if dry_run:
        print("Nothing was removed; these are the objects that would be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
