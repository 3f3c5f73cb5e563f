"""The renderer: takes timelines, gives pictures and sound. It knows no provider and no job state."""
