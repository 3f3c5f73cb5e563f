"""Names of variables: those that are nearly ours, and those that Kubernetes makes from the names of its services."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher

PREFIXES = ("S3_", "API_", "FFMPEG_", "PEXELS_", "PIXABAY_", "ELEVENLABS_", "MINIMAX_")
"A variable that begins so is meant for us."
OF_COMPOSE = ("S3_PORT",)
"Variables of docker-compose.yml that begin so and are no settings: they stand in the same `.env`."
NEAR = 0.85
"Similarity, from 0 to 1, from which a name is taken for a misspelled one of ours."
LINK_NAME = re.compile(r".+_SERVICE_(HOST|PORT)(_\w+)?|.+_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?")
LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")


def is_service_link(variable: str, text: str) -> bool:
    """True for API_PORT=tcp://10.96.0.72:80, which is there where a service of Kubernetes is named `api`."""
    return variable.endswith("_PORT") and LINK_VALUE.match(text) is not None


def _is_of_kubernetes(variable: str, text: str) -> bool:
    return LINK_NAME.fullmatch(variable) is not None or is_service_link(variable, text)


def strangers(env: Mapping[str, str], known: Collection[str]) -> Iterator[tuple[str, str, bool]]:
    """Variables that are set and look like one of `known`: each with the most similar one, and whether it is near."""
    for variable, value in sorted(env.items()):
        if not value or variable in known or variable in OF_COMPOSE or _is_of_kubernetes(variable, value):
            continue
        ours = variable.startswith(PREFIXES)
        candidates = [name for name in known if ours or abs(len(name) - len(variable)) <= 3]
        likeness, nearest = max(((_likeness(variable, name), name) for name in candidates), default=(0.0, ""))
        if likeness >= NEAR:
            yield variable, nearest, True
        elif ours:
            prefix = variable.partition("_")[0] + "_"
            yield variable, next(name for name in known if name.startswith(prefix)), False


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other)
    # Upper bounds that are quick to find: most names are far from each other.
    if matcher.real_quick_ratio() < NEAR or matcher.quick_ratio() < NEAR:
        return 0.0
    return matcher.ratio()
