"""The service that a command speaks to."""

import argparse
import sys
from contextlib import ExitStack

from api.sdk.client import Client
from cli.address import usual_server
from cli.embedded import EmbeddedStack
from cli.errors import CommandError


def service_for(options: argparse.Namespace, stack: ExitStack) -> tuple[Client, EmbeddedStack | None]:
    """The server that was named, else the one that runs on this machine, else one of our own, until `stack` ends.

    Its name is in `options.server`, and in `options.data` the folder for one of our own. Raises `CommandError`.
    """
    client, embedded = _found(options, stack)
    stack.callback(client.close)
    return client, embedded


def say(text: str) -> None:
    """A word for the person who waits; what a command is asked for goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def _found(options: argparse.Namespace, stack: ExitStack) -> tuple[Client, EmbeddedStack | None]:
    if options.server is not None:
        client = Client(options.server)
        if not client.answers():
            raise CommandError(f"no Reelwright answers at {client.url}")
        return client, None
    if options.data is None and (client := Client(usual_server())).answers():
        say(f"Using the Reelwright at {client.url}.")
        return client, None
    say("Starting the local stack ...")
    embedded = stack.enter_context(EmbeddedStack(options.data))
    for note in embedded.notes:
        say(f"Warning: {note}")
    return Client(embedded.url), embedded
