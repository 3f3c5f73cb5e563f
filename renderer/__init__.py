"""Timeline in, pixels and sound out. It knows no provider and no job state."""
