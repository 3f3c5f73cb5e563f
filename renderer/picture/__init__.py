"""Pictures: clips brought to one shape, graded, joined by transitions, checked."""
