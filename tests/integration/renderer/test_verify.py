"""What is found out about a file before it is kept."""

from pathlib import Path

import pytest

from common.contracts.timeline import Profile
from common.errors import RenderFailed, Retryable, StepError
from renderer.ffmpeg.verify import verify_film, verify_sound
from tests.support import clips

PROFILE = Profile(width=320, height=180)
WITH_SOUND = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-f", "lavfi", "-i", "sine=r=48000:d=1"]
STREAMED = ["-pix_fmt", "yuv420p", "-movflags", "+faststart"]


@pytest.fixture
def film() -> Path:
    return clips.make("checked.mp4", [*WITH_SOUND, *STREAMED])


def check(path: Path, frames: int = 30, profile: Profile = PROFILE) -> None:
    verify_film(path, frames, profile, "the log", "the film")


def test_a_film_as_planned_is_fine(film: Path):
    check(film)
    verify_sound(film, 48_000, "the sound")


@pytest.mark.parametrize(("frames", "width", "complaint"), [(31, 320, "30 frames instead of 31"), (30, 640, "size")])
def test_another_film_than_planned_is_refused_with_the_log(film: Path, frames: int, width: int, complaint: str):
    with pytest.raises(RenderFailed, match=complaint) as caught:
        check(film, frames, PROFILE.model_copy(update={"width": width}))
    assert caught.value.details == "the log"


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("mute.mp4", ["-an"], "the sound of the film is missing"),
        ("short.mp4", ["-af", "atrim=end=0.8"], r"the sound of the film lasts 0\.800 s instead of 1\.000 s"),
        ("late.mp4", ["-vf", "setpts=PTS+0.1/TB"], r"the picture of the film begins at 0\.1"),
        ("sound.mp4", ["-vn"], "0 frames instead of 30"),
    ],
)
def test_a_track_that_is_not_there_or_out_of_place_is_refused(name: str, arguments: list[str], complaint: str):
    with pytest.raises(RenderFailed, match=complaint):
        check(clips.make(name, [*WITH_SOUND, *arguments, "-frames:v", "30", *STREAMED]))


@pytest.mark.parametrize("left", [0.999, 0.9, 0.5, 0.02, 0])
def test_a_file_that_was_cut_off_is_refused(film: Path, tmp_path: Path, left: float):
    data = film.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: int(len(data) * left)])
    with pytest.raises(StepError):
        check(cut)


def test_a_file_that_cannot_be_read_back_may_be_written_again(tmp_path: Path):
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 100)
    for look in (lambda path: check(path), lambda path: verify_sound(path, 48_000, "the sound")):
        with pytest.raises(Retryable, match="read back"):
            look(tmp_path / "noise.mp4")
