"""The brief of a film: everything its parts are made from. Pure."""

from typing import NamedTuple

from common.contracts.request import VideoRequest
from common.contracts.storyboard import Scene, Storyboard
from orchestrator.film.profile import Profiles


class Brief(NamedTuple):
    """All inputs of a film; the same object for as long as its parts are."""

    request: VideoRequest
    story: Storyboard
    profiles: Profiles
    scenes: tuple[Scene, ...]
    "Scenes in the film: those of the storyboard that were not left out."
