"""The renderer's steps, one module each, and the pure composition of a segment."""
