"""Source filters: they make pictures without an input.

ffmpeg-python offers them as inputs only, and each input costs a demuxer, a decoder and the frames in their queues.
"""

from typing import Any

from ffmpeg.nodes import FilterableStream, FilterNode, Node

from renderer.ffmpeg.formats import Options, Stream


class _Source(FilterNode):  # type: ignore[misc]  # the package has no type hints
    def __init__(self, name: str, options: Options) -> None:
        Node.__init__(self, None, name, {}, FilterableStream, min_inputs=0, max_inputs=0, kwargs=options)


def source(name: str, **options: Any) -> Stream:
    """The stream that a source filter such as `color` makes."""
    return _Source(name, options).stream()
