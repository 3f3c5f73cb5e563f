"""`reel make`: from words to an MP4 file."""

import argparse
import os
import secrets
import sys
import time
from contextlib import ExitStack
from typing import Any

from api.sdk.client import Client
from api.sdk.errors import ServiceError
from cli.delivery import Delivery
from cli.embedded import EmbeddedStack
from cli.errors import FAILED, OK, CommandError, refuse, together
from cli.output import choose_places
from cli.progress import display_for
from cli.request import read_request, with_uploads, words_of_request
from cli.service import say, service_for
from common.contracts.sources import SETTINGS

POLL_SECONDS = 0.5
SERVER_SETTINGS = (*(name.upper() for name in SETTINGS), "TARGET_RESOLUTION", "FFMPEG_PRESET", "SPEECH_ENGINES")
"Settings that shape a film, and that a server which runs already has settled for itself."
MAX_NOTES = 3
ENDED = ("completed", "partial", "failed", "cancelled")


def make(options: argparse.Namespace) -> int:
    _, body, (output, export) = together(
        lambda: refuse(options.faults),
        lambda: read_request(options),
        lambda: choose_places(options.output, options.export, words_of_request(options)),
    )
    with ExitStack() as stack:
        client, embedded = service_for(options, stack)
        if embedded is None:
            _warn_of_settings()
        job_id = client.generate(with_uploads(body, client.upload), secrets.token_hex(16))
        say(f"Job {job_id} ({client.url}/mcp/status/{job_id}).")
        try:
            status = _follow(client, job_id, embedded)
        except BaseException:
            client.cancel(job_id)
            raise
        _check(status, kept=embedded is None or options.data is not None)
        result = client.result(job_id)
        delivery = Delivery(client, job_id, embedded)
        film = delivery.film(result, output)
        _report(result)
        print(film, flush=True)
        exported = delivery.export(export) if export is not None else None
    return OK if (film, exported) == (output, export) else FAILED


def _warn_of_settings() -> None:
    unused = [name for name in SERVER_SETTINGS if os.environ.get(name)]
    if unused:
        say(f"Warning: {', '.join(unused)} not used: the settings of the running service apply.")


def _follow(client: Client, job_id: str, embedded: EmbeddedStack | None) -> dict[str, Any]:
    """Shows the job until it ends; returns its last status."""
    display = display_for(sys.stderr)
    try:
        while True:
            status = client.status(job_id)
            display.show(status)
            if status["status"] in ENDED:
                return status
            time.sleep(POLL_SECONDS)
    except ServiceError:
        if embedded is not None and not embedded.alive():
            raise CommandError(embedded.last_words() or "the local stack ended unexpectedly") from None
        raise
    finally:
        display.close()


def _check(status: dict[str, Any], kept: bool) -> None:
    """Raises `CommandError` for a job without a film."""
    if status["status"] in ("completed", "partial"):
        return
    why = (status.get("error") or {}).get("message") or f"the job was {status['status']}"
    hint = "" if kept else " (--data DIR keeps the logs)"
    raise CommandError(f"no video was made: {why}{hint}")


def _report(result: dict[str, Any]) -> None:
    count = len(result["scenes"]) - len(result.get("left_out", ()))
    scenes = "1 scene" if count == 1 else f"{count} scenes"
    say(f"{result['duration']:.1f} s, {result['width']}x{result['height']}, {scenes}.")
    for missing in result.get("left_out", ()):
        say(f"Left out: {missing['why']}")
    if result.get("note"):
        say(f"Note: {result['note']}")
    for problem in result.get("quality", {}).get("problems", ())[:MAX_NOTES]:
        say(f"Note: {problem}")
    notes = (note for scene in result["scenes"] for shot in scene["shots"] for note in shot["notes"])
    for note in list(dict.fromkeys(notes))[:MAX_NOTES]:
        say(f"Note: {note}")
    for credit in result.get("credits", ()):
        say(f"Credit: {credit}")
