"""The bounds of the command line are those of the contract, which it does not import."""

from cli.main import MAX_SECONDS, MAX_SEED, MIN_SECONDS, STYLES
from common.contracts.request import VideoRequest

FIELDS = VideoRequest.model_json_schema()["properties"]


def test_duration_and_seed_have_the_bounds_of_the_service() -> None:
    seconds = FIELDS["duration_target"]["anyOf"][0]
    assert (seconds["minimum"], seconds["maximum"]) == (MIN_SECONDS, MAX_SECONDS)
    assert (FIELDS["seed"]["minimum"], FIELDS["seed"]["maximum"]) == (0, MAX_SEED)


def test_the_styles_are_those_of_the_service() -> None:
    assert tuple(FIELDS["style"]["enum"]) == STYLES
