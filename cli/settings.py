"""`reel settings`: the settings that apply, and where each comes from."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any
from urllib.parse import urlsplit

from cli.errors import BAD_INPUT, OK
from common.logs import tell_faults
from common.settings import BadSetting, Reading, Settings
from common.settings.reading import about
from infra.documents import ROOT, documents, value_text
from infra.local import own_settings

HIDDEN = "***"
WIDTH = 50
"Of the column of values."


def settings(options: argparse.Namespace) -> int:
    if options.write:
        for path, text in documents().items():
            path.write_text(text)
            print(path.relative_to(ROOT))
        return OK
    try:
        reading = Settings.read(own_settings(ROOT, os.environ))
    except BadSetting as error:
        tell_faults("reel", error)
        return BAD_INPUT
    for note in reading.notes:
        print(f"Warning: {note}", file=sys.stderr)
    for line in lines(reading, os.environ):
        print(line)
    return OK


def lines(reading: Reading[Settings], env: Mapping[str, str]) -> list[str]:
    """`NAME=value` and where it comes from, a line for each setting. Secrets are hidden."""
    return [
        f"{f'{one.name.upper()}={_shown(one, reading.settings)}':<{WIDTH}}  {_origin(one.name, reading, env)}"
        for one in fields(Settings)
    ]


def _shown(declared: "Field[Any]", settings: Settings) -> str:
    text = value_text(getattr(settings, declared.name))
    if not about(declared).secret or not text:
        return text
    return without_password(text) if "://" in text else HIDDEN


def without_password(address: str) -> str:
    """The address with its password hidden."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    return parts._replace(netloc=f"{parts.username or ''}:{HIDDEN}@{parts.netloc.rpartition('@')[2]}").geturl()


def _origin(name: str, reading: Reading[Settings], env: Mapping[str, str]) -> str:
    given = reading.given.get(name)
    if given is None:
        return "default"
    where = "environment" if env.get(given.variable) else ".env"
    return where if given.variable == name.upper() else f"{where}, {given.variable}"
