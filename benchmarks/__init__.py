"""Measurements of the cost of the pipeline. Each folder is one benchmark: `./reel bench NAME`."""
