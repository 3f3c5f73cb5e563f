"""`reel voices`: the voices that narrations can have."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

from cli.errors import OK
from cli.service import say, service_for

HEADINGS = {"id": "VOICE", "language": "LANGUAGE", "gender": "GENDER", "name": "NAME", "engine": "ENGINE"}
"Columns of the table, by what the service calls them."
ANY = "any"
GAP = "  "


def voices(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        client, _ = service_for(options, stack)
        found = client.voices(options.language or "", options.engine or "")
    if not found:
        say("There are no such voices." if options.language or options.engine else "No speech engine is up.")
        return OK
    print("\n".join(table([HEADINGS, *({**voice, "language": voice["language"] or ANY} for voice in found)])))
    return OK


def table(rows: Sequence[dict[str, str]]) -> list[str]:
    """The rows as lines with columns one below the other."""
    wide = {column: max(len(row[column]) for row in rows) for column in HEADINGS}
    return [GAP.join(row[column].ljust(wide[column]) for column in HEADINGS).rstrip() for row in rows]
