"""Code shared by all services: contracts, messages, job state, storage, settings. It knows no service."""
