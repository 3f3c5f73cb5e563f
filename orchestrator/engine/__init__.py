"""The engine of decisions: knows steps, fingerprints and workers, but nothing of films. Pure."""
