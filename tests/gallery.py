"""Draws the pictures of docs/looks.md with the real renderer: `python -m tests.gallery [SHEET ...]`.

Whoever changes how films look runs it, opens the pictures in docs/frames and looks at them.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

import av
from PIL import Image, ImageDraw, ImageFont

from common.contracts.footage import Footage, Light, Provenance, SceneryRecipe, Theme, Tone
from common.contracts.narration import Word
from common.contracts.request import Corner, Style, TransitionKind
from common.contracts.steps import MarkSpec, SegmentSpec
from common.contracts.timeline import Card, Clip, Closing, PlacedWatermark, Profile, SceneTimeline, TextFrame
from common.worker.steprun import StepRun
from renderer import scenery
from renderer.ffmpeg.run import ffmpeg_program
from renderer.steps.mark import mark as draw
from renderer.steps.segment import segment
from renderer.text.fonts import BOLD, font_file
from retriever.inspection.measure import measured
from tests.support.steprun import step_run

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "frames"
STYLES: tuple[Style, ...] = get_args(Style)
KINDS: tuple[TransitionKind, ...] = tuple(kind for kind in get_args(TransitionKind) if kind != "cut")
CORNERS: tuple[Corner, ...] = get_args(Corner)
WIDE = (1280, 720)
SHAPES = {"16:9": WIDE, "4:5": (720, 900), "1:1": (720, 720), "9:16": (720, 1280)}
FROM = Provenance(provider="folder")
SAID = "The waves come in and go out again"
FPS = 30
MIDDLE = 0.5
"Where the names of pictures lie that have something in their corners."
CAMERAS = {
    "as it is": "null",
    "too dark": "lutyuv=y='16+(val-16)*0.62'",
    "hazy": "lutyuv=y='58+(val-16)*0.68'",
    "too warm": "lutyuv=u='val-9':v='val+7'",
    "too blue": "lutyuv=u='val+9':v='val-5'",
}


def painted(theme: Theme, light: Light = "day", seed: int = 3) -> Footage:
    return Footage(kind="scenery", scenery=SceneryRecipe(theme=theme, light=light, seed=seed), provenance=FROM)


def scene(shown: Footage, size: tuple[int, int] = WIDE, frames: int = 16, said: str = "", **more: Any) -> SegmentSpec:
    """One shot; `more` are fields of the spec, `closing` and `fit` of what is in it."""
    closing, fit = more.pop("closing", None), more.pop("fit", "smart")
    style: Style = more.pop("style", "documentary")
    clip = Clip(shot="s1.0", footage=shown, frames=frames, length=frames + 15, fit=fit)
    look = TextFrame(style=style, width=size[0], height=size[1])
    step = 48_000 // FPS * 6
    words = tuple(Word(text=text, start=n * step, end=(n + 1) * step) for n, text in enumerate(said.split()))
    timeline = SceneTimeline(
        scene="s1", frames=frames, length=frames, closing=closing, clips=(clip,), words=words if said else ()
    )
    return SegmentSpec(
        timeline=timeline,
        profile=Profile(width=size[0], height=size[1], crf=14),
        style=style,
        captions=look if said else None,
        voice=None,
        **more,
    )


class Studio:
    """Renders specs and picks frames of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._takes = folder, 0
        self.run: StepRun = step_run(folder)

    def frames(self, spec: SegmentSpec, *numbers: int) -> list[Image.Image]:
        segment(spec, self.run, ffmpeg_program(), threads=2)
        with av.open(str(self._folder / "segment.mp4")) as film:
            shown = {n: frame.to_image() for n, frame in enumerate(film.decode(video=0)) if n in numbers}
        return [shown[n] for n in numbers]

    def marked(self, spec: SegmentSpec, mark: PlacedWatermark) -> SegmentSpec:
        if mark.media is None:
            return spec.model_copy(update={"mark": mark})
        frame = TextFrame(style=spec.style, width=spec.profile.width, height=spec.profile.height)
        drawn = draw(MarkSpec(media=mark.media, opacity=mark.opacity, size=mark.size, frame=frame), self.run)
        return spec.model_copy(update={"mark": mark.model_copy(update={"media": None}), "drawn": drawn})

    def frame(self, spec: SegmentSpec, number: int = 14) -> Image.Image:
        return self.frames(spec, number)[0]

    def file(self, path: Path, media_type: str, **more: Any) -> Footage:
        return Footage(media=self.run.keep("footage", path, media_type), provenance=FROM, **more)

    def filmed(self, shown: Footage, name: str, camera: str, size: tuple[int, int] = WIDE) -> Footage:
        """Painted scenery as a file, taken with a camera that is not quite right, and measured."""
        assert shown.scenery is not None
        width, height = scenery.scenery_size(*size)
        path = self._folder / f"{name.replace(' ', '-')}.mp4"
        raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {FPS} -i -".split()
        picture = f"scale={size[0]}:{size[1]}:out_color_matrix=bt709:out_range=tv,format=yuv420p,{camera}"
        coded = ["-c:v", "libx264", "-crf", "10", "-preset", "veryfast", "-colorspace", "bt709", "-color_range", "tv"]
        command = [ffmpeg_program(), "-v", "error", "-y", *raw, "-vf", picture, *coded, str(path)]
        frames = b"".join(scenery.paint(shown.scenery, *size, FPS, 0, 60))
        subprocess.run(command, input=frames, check=True)
        with av.open(str(path)) as film:
            stream = film.streams.video[0]
            seen = measured(film, stream, next(film.decode(stream)), 2.0)
        more = {"width": size[0], "height": size[1], "seconds": 2.0, "fps": float(FPS)}
        return self.file(path, "video/mp4", kind="video", tone=Tone(**seen.tone), focus=seen.focus, **more)


# the sheets


def looks(studio: Studio) -> Image.Image:
    pictures = [
        (style, studio.frame(scene(painted("mountains", "sunset"), style=style, said=SAID))) for style in STYLES
    ]
    return grid(pictures, 3)


def looks_at_day(studio: Studio) -> Image.Image:
    return grid([(style, studio.frame(scene(painted("meadow"), style=style))) for style in STYLES], 3)


def evened(studio: Studio) -> Image.Image:
    """Above: five cameras as they are. Below: in one film."""
    taken = {name: studio.filmed(painted("forest"), name, camera) for name, camera in CAMERAS.items()}
    raw = [(name, studio.frame(scene(one.model_copy(update={"tone": None})))) for name, one in taken.items()]
    return grid([*raw, *(("in the film", studio.frame(scene(one))) for one in taken.values())], len(CAMERAS), 380)


def transitions(studio: Studio) -> Image.Image:
    """The last frame before, five within, the first behind."""
    shots: list[tuple[str, Image.Image]] = []
    before, after = painted("ocean", "sunset"), painted("forest")
    first = studio.frame(scene(after, frames=30), 0)
    for kind in KINDS:
        head = Clip(shot="s2.0", footage=after, frames=12, length=60)
        spec = scene(before, frames=30, closing=Closing(kind=kind, frames=12, head=head))
        shown = [*studio.frames(spec, 17, 18, 21, 24, 26, 29), first]
        shots += [(f"{kind} {n}", picture) for n, picture in zip((-1, 0, 3, 6, 8, 11, 12), shown, strict=True)]
    return grid(shots, 7, 280)


def shapes(studio: Studio) -> Image.Image:
    mark = PlacedWatermark(text="Reelwright", position="top-right", opacity=0.7, size=0.12)
    pictures = [
        (name, studio.frame(scene(painted("city", "night"), size, said=SAID, style="vivid", mark=mark)))
        for name, size in SHAPES.items()
    ]
    return row(pictures, 560)


def titles(studio: Studio) -> Image.Image:
    card = Card(kind="title", text="The sea at dusk", subtitle="A short film about water")
    spec = [(style, scene(painted("ocean", "sunset"), frames=60, style=style, card=card)) for style in STYLES]
    return grid([(style, studio.frame(one, 40)) for style, one in spec], 3)


def titles_of_all_kinds(studio: Studio) -> Image.Image:
    texts = {
        "long": Card(
            kind="title",
            text="What nobody tells you about the long and winding way from a sentence to a film",
            subtitle="With a subtitle that goes on for quite a while as well, because somebody was in the mood for it",
        ),
        "one word": Card(kind="title", text="Water"),
        "Japanese": Card(kind="title", text="夕暮れの海", subtitle="水についての短い映画"),
        "Arabic": Card(kind="title", text="البحر عند الغروب", subtitle="فيلم قصير"),
        "markup": Card(kind="title", text="{\\b1}Not\\N bold", subtitle="and 🎬 no boxes"),
        "Greek": Card(kind="title", text="Η θάλασσα το σούρουπο", subtitle="Μια μικρή ταινία"),
    }
    wide = [(name, studio.frame(scene(painted("night"), frames=60, card=card), 40)) for name, card in texts.items()]
    return grid(wide, 3)


def ends(studio: Studio) -> Image.Image:
    few = ("Waves by Ana Lima (Pexels)", "Forest by Ola Nordmann (Pexels)", "Music: generated")
    many = tuple(f"Clip {n} by Somebody With A Name (Pexels)" for n in range(1, 31))
    cards = {
        "few": Card(kind="end", text="Thank you for watching", lines=few),
        "many": Card(kind="end", text="Thank you for watching", lines=many),
        "none": Card(kind="end", text="The end"),
    }
    shots = [(name, studio.frame(scene(painted("meadow"), frames=60, card=card), 40)) for name, card in cards.items()]
    return grid(shots, 3)


def upright_cards(studio: Studio) -> Image.Image:
    few = ("Waves by Ana Lima (Pexels)", "Forest by Ola Nordmann (Pexels)")
    title = Card(kind="title", text="The sea at dusk", subtitle="A short film about water")
    end = Card(kind="end", text="Thank you for watching", lines=few)
    shots = [
        (f"{name} {card.kind}", studio.frame(scene(painted("ocean", "sunset"), SHAPES[name], 60, card=card), 40))
        for name in ("9:16", "1:1", "4:5")
        for card in (title, end)
    ]
    return row(shots, 560)


def marks(studio: Studio) -> Image.Image:
    logo = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    pen = ImageDraw.Draw(logo)
    pen.rounded_rectangle((0, 0, 399, 199), 60, fill=(255, 90, 60, 255))
    pen.polygon([(150, 40), (150, 160), (270, 100)], fill="white")
    path = studio.run.workdir / "logo.png"
    logo.save(path)
    media = studio.run.keep("asset", path, "image/png")
    shots = []
    for size in (WIDE, SHAPES["9:16"]):
        for corner in CORNERS:
            for mark in (
                PlacedWatermark(media=media, position=corner, opacity=0.8, size=0.12),
                PlacedWatermark(text="© Reelwright", position=corner, opacity=0.6, size=0.25),
            ):
                shots.append((corner, studio.frame(studio.marked(scene(painted("snow"), size, said=SAID), mark))))
    wide, upright = shots[:8], shots[8:]
    return stacked([row(some, height, MIDDLE) for some, height in ((wide[:4], 250), (wide[4:], 250), (upright, 400))])


def fits(studio: Studio) -> Image.Image:
    wide = painted("mountains")
    taken = studio.filmed(wide, "with a ball", "drawbox=x=1000:y=330:w=120:h=120:c=red:t=fill")
    shots = [("the source", studio.frame(scene(taken)))]
    shots += [(fit, studio.frame(scene(taken, SHAPES["9:16"], fit=fit))) for fit in ("smart", "cover", "contain-blur")]
    return row(shots, 480)


# how they are laid out


def grid(pictures: Sequence[tuple[str, Image.Image]], columns: int, width: int = 560) -> Image.Image:
    rows = [pictures[n : n + columns] for n in range(0, len(pictures), columns)]
    height = round(width * pictures[0][1].height / pictures[0][1].width)
    return stacked([row(one, height) for one in rows])


def row(pictures: Sequence[tuple[str, Image.Image]], height: int, place: float = 0.0) -> Image.Image:
    """Side by side, of one height, each with its name at this share of its width."""
    small = [(name, one.resize((round(one.width * height / one.height), height))) for name, one in pictures]
    sheet = Image.new("RGB", (sum(one.width + 6 for _, one in small) - 6, height), "white")
    left = 0
    for name, one in small:
        pen = ImageDraw.Draw(one)
        _, _, width, bottom = pen.textbbox((0, 4), name, font=_font())
        begin = place * (one.width - width - 12)
        pen.rectangle((begin, 0, begin + width + 12, bottom + 4), fill="black")
        pen.text((begin + 6, 4), name, font=_font(), fill="white")
        sheet.paste(one, (left, 0))
        left += one.width + 6
    return sheet


def stacked(rows: Sequence[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (max(one.width for one in rows), sum(one.height + 6 for one in rows) - 6), "white")
    top = 0
    for one in rows:
        sheet.paste(one, (0, top))
        top += one.height + 6
    return sheet


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file(BOLD)), 15)


SHEETS: dict[str, Callable[[Studio], Image.Image]] = {
    sheet.__name__.replace("_", "-"): sheet
    for sheet in (
        looks,
        looks_at_day,
        evened,
        transitions,
        shapes,
        titles,
        titles_of_all_kinds,
        ends,
        upright_cards,
        marks,
        fits,
    )
}


def main(names: Sequence[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    for name in names or SHEETS:
        with tempfile.TemporaryDirectory() as folder:
            SHEETS[name](Studio(Path(folder))).save(FOLDER / f"{name}.jpg", quality=82, optimize=True)
        print(FOLDER / f"{name}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
