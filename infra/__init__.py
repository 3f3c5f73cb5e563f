"""Running the system: the embedded stack, and what deployments need."""
