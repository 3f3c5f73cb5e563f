"""Defaults of each style, for choices the request leaves open."""

from collections.abc import Mapping
from typing import NamedTuple

from common.contracts.request import Mood, Style, TransitionKind


class Defaults(NamedTuple):
    transition: TransitionKind
    mood: Mood


DEFAULTS: Mapping[Style, Defaults] = {
    "cinematic": Defaults("crossfade", "calm"),
    "documentary": Defaults("cut", "calm"),
    "vivid": Defaults("slide", "uplifting"),
    "mono": Defaults("dip-black", "dramatic"),
    "vintage": Defaults("dip-white", "playful"),
    "minimal": Defaults("cut", "calm"),
}
