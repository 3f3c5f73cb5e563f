"""Types and options that all filter graphs have in common."""

from typing import Any, TypeAlias

import ffmpeg

Stream: TypeAlias = ffmpeg.Stream
"A stream of a filter graph. The package has no type hints, so checkers take it for anything."
Options = dict[str, Any]
"Options of an input, a filter or an output, by the names that ffmpeg has for them."

GUARD = {"protocol_whitelist": "file,pipe"}
"For each input: whatever a file names, nothing but files and pipes of ours is opened."
MAX_PIXELS = 64_000_000
"Pictures larger than this are refused before they are decoded; some more than acquisition lets in."
BT709 = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
"The colours of a film."
