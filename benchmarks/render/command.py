"""One ffmpeg command that makes the whole film, as one would write it by hand.

It gets the same orders as the pipeline (the specs of its steps), so both show the same frames of the same clips for the
same time, with the same grade, captions and encoder settings. The choice, fitting and joining of frames and the mix of
the sound are written here once more; only the captions, the numbers of a grade and the first frame of a clip come from
the renderer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from common.captions import Cue, cues
from common.contracts.grid import SAMPLE_RATE, samples_per_frame
from common.contracts.steps import MixSpec, SegmentSpec
from common.contracts.timeline import Clip, Profile
from renderer.frame import picture_size
from renderer.picture import looks
from renderer.picture.clip import begin_of
from renderer.text import fonts
from renderer.text.ass import ass

Manner = Literal["scale-first", "crop-first"]
"Ways of bringing a clip to the shape of the canvas."
CAPTIONS_FILE, FONTS_FOLDER = "captions.ass", "fonts"
EARLIER = 0.0005
"Seconds."
SLACK = 0.25
"Seconds read beyond what is shown."
BED = 0.35
DUCKING = "threshold=0.03:ratio=8:attack=20:release=400"
LRA = 11
TAGS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]


@dataclass(frozen=True)
class Piece:
    """A clip, the number of its frames shown, and how many of these, the first ones, fade in."""

    clip: Clip
    frames: int
    fade: int = 0


@dataclass(frozen=True)
class Film:
    """The orders to the pipeline, segment by segment, and the files of its clips and sounds."""

    segments: tuple[SegmentSpec, ...]
    mix: MixSpec
    files: Mapping[str, Path]
    "By key of the stored object."

    @property
    def profile(self) -> Profile:
        return self.segments[0].profile

    @property
    def frames(self) -> int:
        return sum(segment.timeline.frames for segment in self.segments)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The clips in order. Their frames overlap where one fades into the next."""
        found: list[Piece] = []
        fade = 0
        for segment in self.segments:
            for clip in segment.timeline.clips:
                found.append(Piece(clip.model_copy(update={"skip": clip.skip - fade}), clip.frames + fade, fade))
                fade = 0
            closing = segment.timeline.closing
            if closing is not None and closing.kind != "crossfade":
                raise ValueError(f"there is no command for the transition {closing.kind}")
            fade = closing.frames if closing is not None else 0
        return tuple(found)


def write_captions(segments: Sequence[SegmentSpec], folder: Path) -> None:
    """The captions of these segments, one after the other, as one file, and the font beside it."""
    first = segments[0]
    assert first.captions is not None
    text = ass(list(_captions(segments)), first.captions, fonts.FAMILY, first.profile.fps)
    (folder / CAPTIONS_FILE).write_text(text, encoding="utf-8")
    fonts.install(folder / FONTS_FOLDER)


def _captions(segments: Sequence[SegmentSpec]) -> Iterator[Cue]:
    start = 0
    for segment in segments:
        timeline = segment.timeline
        assert segment.captions is not None
        if timeline.first == 0:  # the words are those of the whole scene
            for cue in cues(timeline.words, segment.captions, segment.profile.fps, timeline.length):
                yield cue.later(start)
            start += timeline.length


def whole(program: str, film: Film, manner: Manner, output: str) -> list[str]:
    """The command for picture and sound; `CAPTIONS_FILE` must lie where it runs."""
    inputs, picture = _picture(film, manner)
    sounds, sound = _sound(film, len(film.pieces))
    return [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *inputs, *sounds,
        "-filter_complex", f"{picture};{sound}", "-map", "[v]", "-map", "[a]", "-frames:v", str(film.frames),
        *encoder(film.profile), *_sound_encoder(film), "-movflags", "+faststart", output,
    ]  # fmt: skip


def sound_alone(program: str, film: Film, output: str) -> list[str]:
    inputs, graph = _sound(film, 0)
    start = [program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *inputs]
    return [*start, "-filter_complex", graph, "-map", "[a]", *_sound_encoder(film), output]


def some_frames(program: str, film: Film, every: int, output: str) -> list[str]:
    """One in `every` frames of the film, composed as `crop-first` does and encoded without loss."""
    inputs, graph = _picture(film, "crop-first")
    return [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *inputs,
        "-filter_complex", f"{graph};[v]trim=end_frame={film.frames},{picked(every)}[some]", "-map", "[some]",
        "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p", *TAGS, output,
    ]  # fmt: skip


def picked(every: int) -> str:
    """The filter that keeps one in `every` frames, numbered anew."""
    return f"select='not(mod(n,{every}))',settb=1/25,setpts=N"


def decoding(program: str, film: Film, piece: Piece) -> list[str]:
    """Reads the part of a clip that is needed, and nothing else, with one thread."""
    start = [program, "-hide_banner", "-nostdin", "-loglevel", "error", "-threads", "1"]
    return [*start, *_input(film, piece), "-map", "0:V:0", "-f", "null", "-"]


def filtering(program: str, film: Film, piece: Piece, output: Sequence[str]) -> list[str]:
    """Decodes a clip, brings it to its look and draws the captions, with one thread. `CAPTIONS_FILE` is its own."""
    graph = f"[0:V]{_fitted(piece, film, 'crop-first')},{_drawn()}[v]"
    return [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-filter_complex_threads", "1",
        "-threads", "1", *_input(film, piece), "-filter_complex", graph, "-map", "[v]",
        "-frames:v", str(piece.clip.frames), *output,
    ]  # fmt: skip


def encoding(program: str, profile: Profile, raw: str, output: str) -> list[str]:
    """Encodes raw frames with one thread."""
    return [
        program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p",
        "-s", f"{profile.width}x{profile.height}", "-r", str(profile.fps), "-i", raw,
        *encoder(profile), "-threads", "1", output,
    ]  # fmt: skip


def encoder(profile: Profile) -> list[str]:
    return [
        "-c:v", "libx264", "-preset", profile.preset, "-crf", str(profile.crf), "-profile:v", "high",
        "-g", str(2 * profile.fps), "-pix_fmt", "yuv420p", *TAGS, "-r", str(profile.fps),
    ]  # fmt: skip


def _sound_encoder(film: Film) -> list[str]:
    return ["-c:a", "aac", "-b:a", str(film.mix.sound.bitrate), "-ar", str(SAMPLE_RATE), "-ac", "2"]


# pictures


def _picture(film: Film, manner: Manner) -> tuple[list[str], str]:
    """The inputs, and the graph that ends in [v]."""
    inputs = [word for piece in film.pieces for word in _input(film, piece)]
    branches = [f"[{number}:V]{_fitted(piece, film, manner)}[c{number}]" for number, piece in enumerate(film.pieces)]
    return inputs, ";".join([*branches, *_joined(film), f"[film]{_drawn()}[v]"])


def _input(film: Film, piece: Piece) -> list[str]:
    clip, fps = piece.clip, film.profile.fps
    assert clip.footage.media is not None
    # The pictures must be the same, else their quality cannot be compared: so the frames that are skipped are
    # counted, and those before them are not. A little earlier, so that the first is not lost to rounding.
    begin = begin_of(clip, fps) - _earlier(clip, fps)
    length = (clip.skip + piece.frames) / fps * clip.speed + SLACK
    return ["-ss", f"{begin:.6f}", "-t", f"{length:.6f}", "-i", str(film.files[clip.footage.media.key])]


def _earlier(clip: Clip, fps: int) -> float:
    """Seconds of the file that are read before the grid begins."""
    return min(EARLIER, begin_of(clip, fps))


def _fitted(piece: Piece, film: Film, manner: Manner) -> str:
    """The frames of a piece on the grid, in the shape of the canvas and with the grade of its clip."""
    clip, profile = piece.clip, film.profile
    if clip.fit != "cover":
        raise ValueError(f"there is no command for the fit {clip.fit}")
    style = film.segments[0].style
    if picture_size(style, profile) != (profile.width, profile.height):
        raise ValueError(f"there is no command for the look {style}")
    width, height = profile.width, profile.height
    ramp = f"setpts=PTS/{clip.speed}," if clip.speed != 1 else ""
    shown = f"start_frame={clip.skip}:end_frame={clip.skip + piece.frames}"
    # Where frames nearly fall between two of the grid, half a millisecond decides which of them is shown.
    start = _earlier(clip, profile.fps) / clip.speed
    cut = f"fps={profile.fps}:start_time={start:.6f},trim={shown},setpts=PTS-STARTPTS"
    if manner == "crop-first":
        ratio = f"{width}/{height}"
        sides = f"2*trunc(min(iw\\,ih*{ratio})/2):2*trunc(min(ih\\,iw/({ratio}))/2)"
        shape = f"crop={sides},scale={width}:{height}:flags=bicubic"
    else:
        shape = (
            f"scale={width}:{height}:flags=bicubic:force_original_aspect_ratio=increase:force_divisible_by=2,"
            f"crop={width}:{height}"
        )
    grade = "".join(f",{_written(one)}" for one in looks.grade(style, clip.footage.tone))
    return f"{ramp}{cut},{shape},setsar=1,format=yuv420p{grade}"


def _written(one: looks.Filter) -> str:
    options = ":".join(f"{name}='{value}'" for name, value in one.options.items())
    return f"{one.name}={options}"


def _joined(film: Film) -> Iterator[str]:
    """All pieces in a row, as [film]."""
    if not any(piece.fade for piece in film.pieces):
        yield "".join(f"[c{number}]" for number in range(len(film.pieces))) + f"concat=n={len(film.pieces)}[film]"
        return
    fps, so_far, length = film.profile.fps, "[c0]", film.pieces[0].frames
    for number, piece in enumerate(film.pieces[1:], 1):
        name = "[film]" if number == len(film.pieces) - 1 else f"[j{number}]"
        if piece.fade:
            length -= piece.fade
            fade = f"xfade=transition=fade:duration={piece.fade / fps:.9f}:offset={length / fps:.9f}"
            yield f"{so_far}[c{number}]{fade}{name}"
        else:
            yield f"{so_far}[c{number}]concat=n=2,fps={fps},settb=1/{fps}{name}"
        so_far, length = name, length + piece.frames


def _drawn() -> str:
    return f"ass=filename={CAPTIONS_FILE}:fontsdir={FONTS_FOLDER}"


# sound


def _sound(film: Film, first: int) -> tuple[list[str], str]:
    """The inputs, numbered from `first`, and the graph that ends in [a]."""
    mix = film.mix
    total = mix.frames * samples_per_frame(mix.sound.fps)
    spoken = sorted(mix.narrations, key=lambda one: one.start)
    inputs: list[str] = []
    branches: list[str] = []
    ends = [one.start for one in spoken[1:]] + [total]
    for number, (one, end) in enumerate(zip(spoken, ends, strict=True)):
        inputs += ["-i", str(film.files[one.audio.key])]
        delay, length = (one.start, end) if number == 0 else (0, end - one.start)
        branches.append(
            f"[{first + number}:a]aformat=sample_rates={SAMPLE_RATE}:channel_layouts=stereo,adelay={delay}S:all=1,"
            f"apad=whole_len={length},atrim=end_sample={length}[n{number}]"
        )
    voices = "".join(f"[n{number}]" for number in range(len(spoken)))
    branches.append(f"{voices}concat=n={len(spoken)}:v=0:a=1[voice]")
    level = f"loudnorm=I={mix.sound.loudness:g}:TP={mix.sound.true_peak:g}:LRA={LRA}"
    last = f"{level},aresample={SAMPLE_RATE},apad=whole_len={total},atrim=end_sample={total}[a]"
    if mix.music is None:
        return inputs, ";".join([*branches, f"[voice]{last}"])
    if mix.music.media is None:
        raise ValueError("there is no command for composed music; give the film a music file")
    inputs += ["-stream_loop", "-1", "-i", str(film.files[mix.music.media.key])]
    branches += [
        "[voice]asplit[said][key]",
        f"[{first + len(spoken)}:a]aformat=sample_rates={SAMPLE_RATE}:channel_layouts=stereo,volume={BED},"
        f"atrim=end_sample={total}[bed]",
        f"[bed][key]sidechaincompress={DUCKING}[ducked]",
        f"[said][ducked]amix=2:duration=first:normalize=0,{last}",
    ]
    return inputs, ";".join(branches)
