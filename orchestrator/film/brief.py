"""The brief of a film: everything its parts are made from. Pure."""

from typing import NamedTuple

from common.contracts.request import VideoRequest
from common.contracts.storyboard import Scene, Storyboard
from orchestrator.film.profile import Profiles


class Brief(NamedTuple):
    """The same object for as long as its parts are."""

    request: VideoRequest
    story: Storyboard
    profiles: Profiles
    scenes: tuple[Scene, ...]
    "Those that are in the film: the storyboard's without what was left out."
