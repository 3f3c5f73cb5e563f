"""The grid everything lies on: whole frames for pictures, whole samples for sound.

At 48 kHz each supported frame rate has a whole number of samples per frame, so a cut can fall on
the same instant in both streams.
"""

SAMPLE_RATE = 48_000
"Samples per second of every sound in the pipeline."


def samples_per_frame(fps: int) -> int:
    """Samples that one frame lasts. Raises ValueError for a rate that does not divide the sample rate."""
    if fps <= 0 or SAMPLE_RATE % fps:
        raise ValueError(f"{fps} frames per second does not divide {SAMPLE_RATE} Hz")
    return SAMPLE_RATE // fps


def frames_to_hold(samples: int, fps: int) -> int:
    """The fewest frames that are at least as long as `samples`."""
    return -(-samples // samples_per_frame(fps))


def frame_at(sample: int, fps: int) -> int:
    """The frame nearest to `sample`; a tie goes to the later frame (round() would go to the even one)."""
    step = samples_per_frame(fps)
    return (sample + step // 2) // step
