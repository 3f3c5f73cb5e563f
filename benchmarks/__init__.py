"""Measurements of what the pipeline costs. Each folder is one benchmark: `./reel bench NAME`."""
