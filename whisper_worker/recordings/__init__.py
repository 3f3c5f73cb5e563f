"""Recordings of a user's own: read within walls, timed word by word, and cut to the scenes of a film."""
