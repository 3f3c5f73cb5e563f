"""`reel up`: the whole system in the foreground."""

import argparse
import sys

from api.sdk.client import Client
from cli.address import own_address
from cli.embedded import EmbeddedStack
from cli.errors import OK, BadInput, CommandError
from infra.local import StackError, port_is_free, web_address


def up(options: argparse.Namespace) -> int:
    if options.repair and not options.data:
        raise BadInput("--repair goes with --data DIR: the folder whose record of jobs is damaged")
    host, port = _address(options)
    _check_port(host, port)
    where = f"kept in {options.data}" if options.data else "gone at the end (--data DIR keeps them)"
    print(f"Starting Reelwright; jobs and assets are {where}.", file=sys.stderr, flush=True)
    with EmbeddedStack(
        options.data, host=host, port=port, logs="terminal", endure=True, repair=options.repair
    ) as stack:
        print(f"Reelwright is ready at {stack.url} (Ctrl-C stops it).", file=sys.stderr, flush=True)
        try:
            why = stack.last_words()
        except KeyboardInterrupt:
            print("\nStopping ...", file=sys.stderr, flush=True)
            return OK
    raise CommandError(why or "the stack has ended; the lines above say why")


def _address(options: argparse.Namespace) -> tuple[str, int]:
    """The address to listen on: of the options, else of the settings."""
    host, port = own_address()
    return options.host or host, options.port or port


def _check_port(host: str, port: int) -> None:
    try:
        free = port_is_free(host, port)
    except StackError as error:
        raise BadInput(f"{error}") from None
    if not free:
        what = "another Reelwright" if Client(web_address(host, port)).answers() else "another program"
        raise BadInput(f"{what} already uses port {port}; stop it or choose another with --port")
