"""The clip folder: what is found in it, and that nothing outside ever is."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from common.contracts.footage import Candidate, ClipFile, ShotQuery
from common.errors import BadMedia, Permanent
from retriever.providers.folder import ClipFolder
from tests.support import clips


def query(*terms: str, sources: tuple[Any, ...] = ("pexels", "folder"), shot: str = "s1.1", seed: int = 0) -> ShotQuery:
    return ShotQuery(
        shot=shot,
        show="",
        terms=terms,
        seconds=1.0,
        width=320,
        height=180,
        sources=sources,
        seed=seed,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    (folder / "Harbour" / "evening").mkdir(parents=True)
    for index, name in enumerate(("Harbour/evening/Fishing_Boats.MP4", "Harbour/crane.mp4", "forest.mp4")):
        shutil.copy(clips.clip(hue=index * 40), folder / name)
    shutil.copy(clips.picture(), folder / "boat.jpg")
    return folder


def path(one: Candidate) -> str:
    assert isinstance(one.origin, ClipFile)
    return one.origin.path


def names(folder: ClipFolder, asked: ShotQuery) -> list[str]:
    return [path(one) for one in folder.search(asked)]


def test_clips_are_found_by_the_words_of_their_names_and_folders(root: Path) -> None:
    folder = ClipFolder(root)
    assert names(folder, query("fishing boat"))[0] == "Harbour/evening/Fishing_Boats.MP4"
    assert set(names(folder, query("harbours"))) == {"Harbour/evening/Fishing_Boats.MP4", "Harbour/crane.mp4"}
    assert names(folder, query("forests")) == ["forest.mp4"]


def test_a_candidate_tells_what_the_file_is(root: Path) -> None:
    still, video = (ClipFolder(root).search(query(word))[0] for word in ("boat", "forest"))
    found = {path(one): one for one in ClipFolder(root).search(query("boat"))}
    still = found["boat.jpg"]
    assert (still.kind, still.seconds, still.width, still.height) == ("still", 0.0, 320, 180)
    assert (video.kind, video.seconds, video.width, video.height) == ("video", 2.0, 320, 180)


def test_clips_without_a_matching_word_are_offered_only_when_there_is_no_other_source(root: Path) -> None:
    folder = ClipFolder(root)
    assert names(folder, query("desert")) == []
    assert len(names(folder, query("desert", sources=("folder", "scenery")))) == 4
    alone = folder.search(query("forest", sources=("folder",)))
    assert path(alone[0]) == "forest.mp4"
    assert len(alone) == 4
    assert alone[0].score > alone[1].score


def test_shots_without_a_match_do_not_all_want_the_same_clip(root: Path) -> None:
    folder = ClipFolder(root)
    first = {names(folder, query("x", sources=("folder",), shot=f"s{n}.1"))[0] for n in range(12)}
    assert len(first) > 1


def test_a_new_clip_is_seen_and_a_replaced_one_is_another_candidate(root: Path) -> None:
    folder = ClipFolder(root)
    (before,) = folder.search(query("forest"))
    shutil.copy(clips.clip(seconds=3.0), root / "forest.mp4")
    shutil.copy(clips.clip(), root / "forest path.mp4")
    after = {path(one): one for one in folder.search(query("forest"))}
    assert set(after) == {"forest.mp4", "forest path.mp4"}
    assert after["forest.mp4"].id != before.id
    assert after["forest.mp4"].seconds == 3.0


def test_what_is_broken_hidden_or_no_footage_is_passed_over(root: Path) -> None:
    (root / "forest-broken.mp4").write_bytes(b"no video at all")
    (root / "forest-list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nforest.mp4\n")
    (root / "forest.txt").write_text("notes")
    (root / ".forest.mp4").write_bytes((root / "forest.mp4").read_bytes())
    shutil.copy(clips.tone("m4a"), root / "forest-sound.mp4")
    (root / ".trash").mkdir()
    shutil.copy(clips.clip(), root / ".trash" / "forest.mp4")
    assert names(ClipFolder(root), query("forest")) == ["forest.mp4"]


def test_a_link_that_leads_outside_is_neither_offered_nor_opened(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(clips.clip(), outside / "forest-secret.mp4")
    os.symlink(outside / "forest-secret.mp4", root / "forest-link.mp4")
    os.symlink(outside, root / "forest-outside")
    os.symlink(root / "forest.mp4", root / "forest-inside.mp4")
    folder = ClipFolder(root)
    assert set(names(folder, query("forest"))) == {"forest.mp4", "forest-inside.mp4"}
    for name in ("forest-link.mp4", "forest-outside/forest-secret.mp4", "../outside/forest-secret.mp4"):
        with pytest.raises(BadMedia, match="clip folder"):
            folder.path(name)
    with pytest.raises(BadMedia):
        folder.path(str(outside / "forest-secret.mp4"))


def test_a_folder_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="CLIP_FOLDER"):
        ClipFolder(tmp_path / "none").search(query("forest"))
