"""Pictures: clips brought to one shape and graded, transitions, thumbnails, and the check of what was made."""
