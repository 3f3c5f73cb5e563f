"""Archiving ended jobs, forgetting old ones, and removing objects nothing refers to."""
