"""What a reader of a job sees: status, progress, scenes, results, as JSON. Pure."""
