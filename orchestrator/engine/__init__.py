"""The engine of decisions: steps, fingerprints and workers, whatever the steps make a film of. Pure."""
