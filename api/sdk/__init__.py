"""A client of the service, for Python programs. Depends on nothing of ours."""
