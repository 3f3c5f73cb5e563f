"""How the environment becomes settings: names, files with secrets, checks, and what is worth a word in the log."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from common.settings.names import is_service_link, strangers
from common.settings.values import Accepts

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")
FILE = "_FILE"
"The variable with this at its end names a file that has the value of a secret."
MOST_SECRET_BYTES = 64 * 1024


class BadSetting(Exception):
    """Variables have unusable values. There is one line per fault, which names the variable and what it accepts."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class About(NamedTuple):
    """The declaration of a setting, apart from its name, type and default."""

    group: str
    meaning: str
    "One sentence, or two."
    readers: tuple[str, ...]
    "The services and commands that read it."
    secret: bool = False
    "True if it may also stand in a file, and is never shown."
    aliases: tuple[str, ...] = ()
    "Other names of the variable."


class Rule(NamedTuple):
    """A condition on several settings. It is checked where all of them are read and each is usable by itself."""

    names: tuple[str, ...]
    holds: Callable[[Any], bool]
    fault: str


class Given(NamedTuple):
    """A value as it was found."""

    variable: str
    text: str


@dataclass(frozen=True)
class Reading(Generic[S]):
    """Settings that were read, and what is to be said about that."""

    settings: S
    given: Mapping[str, Given] = field(repr=False)
    "By name of the field; the others have their defaults."
    notes: tuple[str, ...] = ()
    "Sentences for the log: what was ignored or has no effect, and why."


def about(declared: "Field[Any]") -> About:
    """The declaration of a field of `Settings`."""
    found: About = declared.metadata["about"]
    return found


def accepts(cls: "type[DataclassInstance]") -> dict[str, Accepts]:
    """What each field accepts, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {one.name: _words(hints[one.name]) for one in fields(cls)}


def _words(hint: Any) -> Accepts:
    return next(part for part in hint.__metadata__ if isinstance(part, Accepts))


def variables(declared: "Field[Any]") -> tuple[str, ...]:
    """All variables that can set the field; the first one is its name."""
    name, said = declared.name.upper(), about(declared)
    return (name, *said.aliases, *([name + FILE] if said.secret else []))


def read(
    cls: type[S],
    env: Mapping[str, str],
    service: str,
    rules: Iterable[Rule],
    remarks: Callable[[S, Mapping[str, Given]], Iterable[str]],
) -> Reading[S]:
    """Reads and checks the settings that `service` reads (empty: all). The others have their defaults.

    Variables that are empty count as not set. Raises `BadSetting` with every fault.
    """
    declared = [one for one in fields(cls) if not service or service in about(one).readers]
    if not declared:
        raise ValueError(f"no setting says that {service} reads it")
    given, missed = _found(declared, env)
    settings, refused = _checked(cls, given)
    faults = missed | refused
    usable = {one.name for one in declared} - faults.keys()
    broken = [rule.fault for rule in rules if usable.issuperset(rule.names) and not rule.holds(settings)]
    if faults or broken:
        raise BadSetting(*faults.values(), *broken)
    notes = [*_links(declared, env), *remarks(settings, given), *_unknown(cls, env, service)]
    return Reading(settings, given, tuple(notes))


def _found(declared: Iterable["Field[Any]"], env: Mapping[str, str]) -> tuple[dict[str, Given], dict[str, str]]:
    """The values that are set, and the faults, by name of the field."""
    given: dict[str, Given] = {}
    faults: dict[str, str] = {}
    for one in declared:
        try:
            value = _value(one, env)
        except BadSetting as error:
            faults[one.name] = str(error)
        else:
            given |= {one.name: value} if value is not None else {}
    return given, faults


def _value(declared: "Field[Any]", env: Mapping[str, str]) -> Given | None:
    """The value that is set; None for the default. Raises `BadSetting`."""
    set_ones = [Given(name, env[name]) for name in variables(declared) if env.get(name)]
    found = [one for one in set_ones if not is_service_link(*one)]
    if about(declared).secret and len(found) > 1:
        raise BadSetting(f"{found[0].variable} and {found[1].variable} are both set; set one of them")
    if len({one.text.strip() for one in found}) > 1:
        names = " and ".join(one.variable for one in found)
        raise BadSetting(f"{names} are names of one setting and differ; set one of them")
    if found and found[0].variable == declared.name.upper() + FILE:
        return _from_file(found[0])
    return found[0] if found else None


def _from_file(place: Given) -> Given:
    try:
        with Path(place.text).open("rb") as file:
            text = file.read(MOST_SECRET_BYTES).decode().rstrip("\r\n")
    except OSError as error:
        raise BadSetting(f"{place.variable}: {place.text} cannot be read ({error.strerror})") from None
    except ValueError:
        raise BadSetting(f"{place.variable}: {place.text} is no text in UTF-8") from None
    if not text:
        raise BadSetting(f"{place.variable}: {place.text} is empty; put the secret there")
    return Given(place.variable, text)


def _links(declared: Iterable["Field[Any]"], env: Mapping[str, str]) -> Iterator[str]:
    """A note for each of our variables that has a value of Kubernetes in it."""
    for name in (name for one in declared for name in variables(one)):
        if is_service_link(name, env.get(name, "")):
            yield f"{name} is ignored: {env[name]} is an address that Kubernetes has put there"


def _checked(cls: type[S], given: Mapping[str, Given]) -> tuple[S, dict[str, str]]:
    """The settings with the values that are usable, and the faults of the others by name of the field."""
    adapter = _adapter(cls)
    texts = {name: value.text for name, value in given.items()}
    try:
        return adapter.validate_python(texts), {}
    except ValidationError as error:
        bad = dict.fromkeys(str(one["loc"][0]) for one in error.errors())
    words, declared = accepts(cls), {one.name: one for one in fields(cls)}
    faults = {name: _fault(given[name], words[name], about(declared[name]).secret) for name in bad}
    return adapter.validate_python({name: text for name, text in texts.items() if name not in bad}), faults


@functools.cache
def _adapter(cls: type[S]) -> TypeAdapter[S]:
    return TypeAdapter(cls)


def _fault(given: Given, accepts: Accepts, secret: bool) -> str:
    return f"{given.variable} must be {accepts.words}" + ("" if secret else f", not {given.text!r}")


def _unknown(cls: "type[DataclassInstance]", env: Mapping[str, str], service: str) -> Iterator[str]:
    """A note for each variable that is none of ours but looks like one that `service` reads."""
    readers = {name: about(one).readers for one in fields(cls) for name in variables(one)}
    for variable, nearest, near in strangers(env, readers):
        if not service or service in readers[nearest]:
            cure = f"did you mean {nearest}?" if near else "docs/configuration.md lists those there are"
            yield f"{variable} is ignored: there is no such setting; {cure}"
