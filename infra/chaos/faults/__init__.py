"""The faults: each is a context manager that does its harm on entry and heals it on exit."""
