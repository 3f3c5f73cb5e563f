"""The HTTP API: use cases, views, routes, and a client for Python programs."""
