"""Views of a job: status, progress, scenes, results and the quality report, as JSON. Pure."""
