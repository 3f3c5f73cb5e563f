"""Changes to a job that exists: edits, another picture for a scene, going back to a version."""
