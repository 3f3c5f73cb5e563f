"""Requests are stored as JSON and read again by every service: what was accepted once must stay acceptable."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.contracts.base import canonical_json
from common.contracts.request import VideoRequest


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"size": "640x272"},
        {"size": "1280x720", "aspect": "16:9"},
        {"aspect": "4:5", "fps": 24},
        {"draft": True, "transition": "wipe", "title": "A title", "end_card": True},
        {"transition": {"kind": "slide", "seconds": 0.5}, "title": {"text": "A", "subtitle": "B"}},
        {"title": "🎬 ok", "watermark": {"text": "©"}},
        {"watermark": {"text": "me", "position": "bottom-left", "opacity": 0.5, "size": 0.2}},
    ],
)
def test_a_request_that_was_stored_is_the_same_when_it_is_read(fields: dict[str, Any]) -> None:
    request = VideoRequest.model_validate({"prompt": "the sea"} | fields)
    assert VideoRequest.model_validate_json(canonical_json(request)) == request
    assert VideoRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"size": "640x272", "aspect": "16:9"}, "size and aspect are two shapes"),
        ({"size": "5000x200"}, "size"),
        ({"size": "641x360"}, "size"),
        ({"size": "huge"}, "1920x1080"),
        ({"fps": 23}, "fps"),
        ({"transition": "explode"}, "transition"),
        ({"title": "🎬 ✨"}, "nothing but emoji"),
        ({"watermark": {"text": "⭐"}}, "nothing but emoji"),
        ({"end_card": "🎉"}, "nothing but emoji"),
        ({"end_card": " "}, "write true for a card with the names alone"),
        ({"watermark": {"text": "a", "asset": "ast_" + "0" * 32}}, "either asset"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        VideoRequest.model_validate({"prompt": "the sea"} | fields)
