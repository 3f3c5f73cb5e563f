"""The parts of a film and their order. Pure."""
