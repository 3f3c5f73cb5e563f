"""`reel transcribe`: what is said in a sound or a film, as text and as caption files."""

import argparse
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cli.errors import OK, BadInput, CommandError, together
from cli.service import say, service_for


def transcribe(options: argparse.Namespace) -> int:
    file, script, _, _ = together(
        lambda: _file(options.file, "FILE"),
        lambda: _script(options.script),
        lambda: _place(options.srt, "--srt"),
        lambda: _place(options.vtt, "--vtt"),
    )
    with ExitStack() as stack:
        client, _ = service_for(options, stack)
        body = {"asset": client.upload(file), "language": options.language, "script": script}
        wanted = {name: value for name, value in body.items() if value is not None}
        said = client.transcribe(wanted, uuid.uuid4().hex, lambda: say("Listening ..."))
    for path, captions in ((options.srt, said["srt"]), (options.vtt, said["vtt"])):
        if path is not None:
            _write(Path(path).expanduser(), captions)
    print(said["text"])
    say(_about(said))
    return OK


def _about(said: dict[str, Any]) -> str:
    """A line for the person who waits."""
    if not said["words"]:
        return f"Nothing is said that {said['recogniser']} understands."
    misread = f", {said['misread']:.0%} of the script was heard as something else" if said["misread"] else ""
    return f"{len(said['words'])} words ({said['language']}), heard by {said['recogniser']}{misread}."


def _file(name: str, option: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise BadInput(f"{option}: there is no file {name}")
    return path


def _script(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        text = _file(name, "--script").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise BadInput(f"--script: {name} cannot be read as text in UTF-8") from None
    if not text:
        raise BadInput(f"--script: {name} has no words")
    return text


def _place(name: str | None, option: str) -> None:
    path = Path(name).expanduser() if name is not None else None
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise BadInput(f"{option}: {name} is a folder or lies in none; name a file")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror})") from None
