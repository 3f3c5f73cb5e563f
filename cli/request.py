"""The request of `reel make`, read from its options. Everything local is checked before anything starts."""

import argparse
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from cli.errors import BadInput, refuse, together
from common.contracts.names import ASSET_ID

SCENE_FIELDS = ("narration", "show", "media", "duration", "transition", "voice", "recording")
FIELDS = {
    "duration": "duration_target",
    "aspect": "aspect",
    "style": "style",
    "voice": "voice",
    "language": "language",
    "speed": "speed",
    "pitch": "pitch",
    "captions": "captions",
    "seed": "seed",
    "on_failure": "on_scene_failure",
    "size": "size",
    "fps": "fps",
    "quality": "quality",
    "transition": "transition",
    "title": "title",
    "end_card": "end_card",
}
"Options that are passed on as they are, and their names in the request."
MOODS = ("calm", "uplifting", "dramatic", "playful")
ASSET = re.compile(ASSET_ID)


def read_request(options: argparse.Namespace) -> dict[str, Any]:
    """The body of the request, with a `Path` for every local file that must be uploaded first. Raises `BadInput`."""
    subject, music, watermark, recording = together(
        lambda: _subject(options),
        lambda: _music(options.music),
        lambda: _watermark(options.watermark),
        lambda: _recording(options.recording),
    )
    given = {field: getattr(options, name) for name, field in FIELDS.items()}
    given |= {"footage": _footage(options), "music": music, "draft": options.draft or None, "watermark": watermark}
    given["recording"] = recording
    return subject | {field: value for field, value in given.items() if value is not None}


def with_uploads(body: Any, upload: Callable[[Path], str]) -> Any:
    """The same body with an asset id in place of each file; a file named twice is sent once."""
    asset_ids: dict[Path, str] = {}

    def sent(part: Any) -> Any:
        if isinstance(part, Path):
            if part not in asset_ids:
                asset_ids[part] = upload(part)
            return asset_ids[part]
        if isinstance(part, dict):
            return {name: sent(value) for name, value in part.items()}
        return [sent(value) for value in part] if isinstance(part, list) else part

    return sent(body)


def words_of_request(options: argparse.Namespace) -> str:
    """Words for the file name of the film: the prompt, or the name of the file with the script or the scenes."""
    return options.prompt or Path(options.script or options.scenes or options.recording or "").stem


def _subject(options: argparse.Namespace) -> dict[str, Any]:
    given = [name for name in ("prompt", "script", "scenes") if getattr(options, name) is not None]
    if not given and options.recording is not None:
        return {}
    if len(given) != 1:
        raise BadInput("say what to make: a PROMPT, or --script FILE, or --scenes FILE (one of them)")
    if options.prompt is not None:
        return {"prompt": _with_words(options.prompt, "the prompt")}
    if options.script is not None:
        return {"script": _with_words(_text(Path(options.script), "--script"), options.script)}
    return {"scenes": _scenes(Path(options.scenes))}


def _with_words(text: str, what: str) -> str:
    if not text.strip():
        raise BadInput(f"{what} is empty; say what the video is about")
    return text


def _scenes(path: Path) -> list[dict[str, Any]]:
    try:
        scenes = json.loads(_text(path, "--scenes"), parse_constant=_not_json)
    except ValueError as error:
        raise BadInput(f"{path} is not valid JSON: {error}") from None
    if not isinstance(scenes, list) or not scenes:
        raise BadInput(f"{path} must hold a JSON list of scenes")
    return together(
        *(partial(_scene, scene, f"{path}: scene {number}", path.parent) for number, scene in enumerate(scenes, 1))
    )


def _scene(scene: Any, where: str, folder: Path) -> dict[str, Any]:
    if not isinstance(scene, dict):
        raise BadInput(f"{where} must be an object with {', '.join(SCENE_FIELDS)}")
    media, recording = scene.get("media"), scene.get("recording")
    _, ref, sound = together(
        lambda: _refuse_unknown(scene, where),
        lambda: _media(media, where, folder) if isinstance(media, str) else media,
        lambda: _sound(recording, folder, f"{where}: recording") if isinstance(recording, str) else recording,
    )
    found = {"media": ref, "recording": sound}
    return {name: found.get(name, value) for name, value in scene.items()}


def _refuse_unknown(scene: dict[str, Any], where: str) -> None:
    there_are = ", ".join(SCENE_FIELDS)
    unknown = sorted(set(scene) - set(SCENE_FIELDS))
    refuse([f"{where} has an unknown field {name}; there are {there_are}" for name in unknown])


def _media(media: str, where: str, folder: Path) -> dict[str, Any]:
    if not media.strip():
        raise BadInput(f"{where}: media is empty")
    if ASSET.fullmatch(media):
        return {"asset": media}
    if media.startswith(("http://", "https://")):
        return {"url": media}
    return {"asset": _file(folder / Path(media).expanduser(), f"{where}: media")}


def _footage(options: argparse.Namespace) -> Any:
    if options.fit is None:
        return options.footage
    sources = [] if options.footage in (None, "auto") else [options.footage]
    return {"sources": sources, "fit": options.fit}


def _music(music: str | None) -> Any:
    if music is None or music in ("auto", "none", *MOODS) or ASSET.fullmatch(music):
        return music
    return {"asset": _file(Path(music).expanduser(), "--music (auto, none, a mood or a file)")}


def _recording(recording: str | None) -> Any:
    return None if recording is None else _sound(recording, Path(), "--recording")


def _sound(recording: str, folder: Path, where: str) -> Any:
    """An asset id, or a file of the user's own."""
    return recording if ASSET.fullmatch(recording) else _file(folder / Path(recording).expanduser(), where)


def _watermark(watermark: str | None) -> Any:
    """A picture file, or else a text."""
    if watermark is None:
        return None
    path = Path(watermark).expanduser()
    looks_like_a_file = path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".gif")
    if path.is_file() or looks_like_a_file:
        return {"asset": _file(path, "--watermark (a picture file or a text)")}
    return watermark


def _file(path: Path, where: str) -> Path:
    if not path.is_file():
        raise BadInput(f"{where}: there is no file {path}")
    return path.resolve()


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{where}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadInput(f"{where}: {path} is not UTF-8 text") from None


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
