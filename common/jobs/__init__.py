"""The job record in Redis: its form, its scripts, and who may write what."""
