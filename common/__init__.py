"""What all services share: contracts, messages, job state, storage, settings. It knows no service."""
