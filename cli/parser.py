"""A parser of options that tells all of their faults, and not only the first."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cli.errors import BAD_INPUT


class Plain(argparse.RawDescriptionHelpFormatter):
    """Keeps our line breaks, and gives the option column room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


class Checked(argparse.Action):
    """Keeps the value of an option. One that cannot be used is a fault, and the rest is read all the same."""

    def __init__(self, type: Callable[[str], Any] = str, choices: Sequence[Any] = (), **about: Any) -> None:
        if choices:
            about["metavar"] = about.get("metavar") or f"{{{','.join(map(str, choices))}}}"
        super().__init__(**about)
        self._value, self._allowed = type, choices

    def __call__(self, parser: argparse.ArgumentParser, options: argparse.Namespace, text: Any, _: object = "") -> None:
        try:
            setattr(options, self.dest, self._read(text) if text is not None else None)
        except ValueError as fault:
            assert isinstance(parser, Parser)
            parser.faults.append(f"argument {'/'.join(self.option_strings) or self.metavar}: {fault}")

    def _read(self, text: str) -> Any:
        allowed = {str(one): one for one in self._allowed}
        if allowed and text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {text}")
        return allowed[text] if allowed else self._value(text)


class Parser(argparse.ArgumentParser):
    """Says what is wrong, a line for each fault, and where to read more. Faults of values are in `faults`."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"formatter_class": Plain, "allow_abbrev": False, **options})  # type: ignore[arg-type]
        self.faults: list[str] = []
        self.register("action", None, Checked)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        found.faults = [*getattr(found, "faults", ()), *self.faults]
        return found, rest

    def error(self, message: str) -> NoReturn:
        lines = [*self.faults, f"{message} (see {self.prog} --help)"]
        self.exit(BAD_INPUT, "".join(f"reel: {line}\n" for line in lines))
