"""Access to other people's servers: an HTTP client, a guard over addresses, limits per key."""
