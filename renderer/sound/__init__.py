"""Sound: narrations, music, ducking, mastering, and the measures and report of what was made."""
