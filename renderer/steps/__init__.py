"""The steps of the renderer, one module each, and the pure composition of a segment."""
