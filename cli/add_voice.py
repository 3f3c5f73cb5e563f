"""`reel voices add`: fetches a voice of Piper, by Piper's own downloader."""

import argparse
import importlib
import json
import os
import re
import tempfile
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from cli.errors import OK, BadInput, CommandError
from cli.service import say
from infra.local import ROOT, own_settings
from infra.voices import FETCHED

SOURCE = "https://huggingface.co"
"Where the makers of Piper keep their voices."
PAGE = "https://huggingface.co/rhasspy/piper-voices"


def add_voice(options: argparse.Namespace) -> int:
    """Both files of the voice are in the folder in the end, or neither."""
    folder = options.folder or Path(own_settings(ROOT, os.environ).get("PIPER_VOICES") or FETCHED)
    name, source = options.name.strip(), options.source or SOURCE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
            _fetch(_downloader(source), name, Path(scratch), source)
            for ending in (".onnx", ".onnx.json"):
                os.replace(Path(scratch, name + ending), folder / (name + ending))
    except OSError as error:
        raise CommandError(f"the folder {folder} cannot be used ({error.strerror})") from None
    say("A service that runs already speaks it after its next start.")
    print(folder / f"{name}.onnx")
    return OK


def _downloader(source: str) -> Any:
    """Piper's own, at this source."""
    module: Any = importlib.import_module("piper.download_voices")
    module.URL_FORMAT = re.sub(r"^https?://[^/]+", source.rstrip("/"), module.URL_FORMAT)
    return module


def _fetch(downloader: Any, name: str, folder: Path, source: str) -> None:
    """Raises `BadInput` for a name that no voice has, `CommandError` if the source does not give it."""
    if downloader.VOICE_PATTERN.fullmatch(name) is None or set(name) & set("/\\?#%"):
        raise BadInput(f'"{name}" is no name of a voice; one is en_US-ljspeech-medium, and all are at {PAGE}')
    say(f"Fetching {name} ...")
    try:
        downloader.download_voice(name, folder)
        json.loads((folder / f"{name}.onnx.json").read_text())
    except HTTPError as error:
        if error.code == 404:
            raise BadInput(f'there is no voice "{name}" at {source}; all are at {PAGE}') from None
        raise CommandError(_not_given(name, source, f"it answered {error.code}", folder)) from None
    except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise CommandError(_not_given(name, source, str(getattr(reason, "strerror", "") or reason), folder)) from None
    except ValueError:
        raise CommandError(_not_given(name, source, "what came is no voice", folder)) from None


def _not_given(name: str, source: str, why: str, folder: Path) -> str:
    return (
        f"{name} could not be fetched from {source} ({why}); get {name}.onnx and {name}.onnx.json yourself and put "
        f"both into {folder.parent}"
    )
