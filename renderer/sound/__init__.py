"""Sound: narrations, music, ducking, loudness."""
