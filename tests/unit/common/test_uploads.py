"""One place knows what is known of an uploaded file; the API writes it, steps of several services read it."""

from pathlib import Path

import pytest

from api.assets import Assets
from common.contracts.asset import Asset
from common.contracts.base import ObjectRef, canonical_json
from common.contracts.request import VideoRequest
from common.contracts.steps import PlanSpec
from common.contracts.storyboard import Storyboard
from common.documents import read_document
from common.errors import Permanent
from common.settings import Settings
from common.storage.memory import MemoryStorage
from common.uploads import about_key, read_asset, uploaded
from orchestrator.tasks import plan
from tests.support.steprun import step_run

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(24)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def asset(storage: MemoryStorage, tmp_path: Path) -> Asset:
    """What the API has kept of an upload."""
    assets = Assets(storage, Settings(work_dir=str(tmp_path)))
    file = assets.incoming()
    file.write(WAV)
    kept = assets.keep("local", file, "tune.wav")
    file.close()
    return kept


def test_what_the_api_wrote_is_what_a_step_reads(storage: MemoryStorage, asset: Asset) -> None:
    assert read_asset(storage, "assets", "local", asset.id) == asset
    ref = uploaded(storage, "assets", "local", asset.id)
    assert ref is not None
    assert storage.get_bytes("assets", ref.key) == WAV
    assert (ref.sha256, ref.size, ref.media_type) == (asset.sha256, len(WAV), "audio/wav")


def test_what_is_not_there_belongs_to_another_or_cannot_be_read_is_no_asset(
    storage: MemoryStorage, asset: Asset
) -> None:
    assert uploaded(storage, "assets", "local", "ast_" + "0" * 32) is None
    assert uploaded(storage, "assets", "somebody", asset.id) is None
    for damaged in (b"", b'{"size": 3', b'{"size": 3}', b"\xff"):
        storage.put_bytes("assets", about_key("local", asset.id), damaged, "application/json")
        assert read_asset(storage, "assets", "local", asset.id) is None
        assert uploaded(storage, "assets", "local", asset.id) is None


def test_a_plan_has_the_music_that_was_uploaded_or_says_that_it_is_gone(
    storage: MemoryStorage, asset: Asset, tmp_path: Path
) -> None:
    run = step_run(tmp_path, storage)

    def planned(music: str) -> Storyboard:
        body = canonical_json(VideoRequest(prompt="Waves at dusk", music={"asset": music})).encode()
        request: ObjectRef = run.keep_bytes("request", body, "application/json")
        return read_document(Storyboard, run.read(plan(PlanSpec(request=request), run).storyboard))

    assert planned(asset.id).music == uploaded(storage, "assets", "local", asset.id)
    gone = "ast_" + "0" * 32
    with pytest.raises(Permanent, match=f"music: there is no uploaded asset {gone}; upload it again"):
        planned(gone)
