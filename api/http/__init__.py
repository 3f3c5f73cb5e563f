"""The HTTP service: routes, what they read, and how they say that something is wrong."""
