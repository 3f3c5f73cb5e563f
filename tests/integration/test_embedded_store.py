"""The object store of the stack on one machine: a file that goes behind its back is soon known to be missing."""

import subprocess
from pathlib import Path

from common.errors import ObjectMissing, StorageUnavailable
from common.settings import Settings
from common.storage.s3 import S3Storage
from infra.local import Plan, environment, s3_program
from tests.support.waiting import eventually

KEY = "local/footage/one"


def outcome(storage: S3Storage) -> str:
    try:
        storage.get_bytes("assets", KEY)
    except (ObjectMissing, StorageUnavailable) as error:
        return type(error).__name__
    return "read"


def made(storage: S3Storage) -> bool:
    try:
        storage.make_buckets()
    except StorageUnavailable:
        return False
    return True


def test_a_file_that_was_deleted_on_its_disk_is_missing_and_not_a_store_that_is_away(tmp_path: Path) -> None:
    plan = Plan.make(tmp_path, "127.0.0.1", 0)
    program = s3_program(plan)
    storage = S3Storage(Settings.from_env(environment(plan, {})))
    process = subprocess.Popen(program.command, env=program.env, cwd=program.cwd, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: made(storage))
        storage.put_bytes("assets", KEY, b"film", "video/mp4")
        assert outcome(storage) == "read"  # now the store knows the file by heart
        (plan.folder("objects") / "assets" / KEY).unlink()
        eventually(lambda: outcome(storage) == "ObjectMissing")
    finally:
        process.terminate()
        process.wait()
