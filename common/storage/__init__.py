"""Object storage: the port, the S3 adapter and one in memory for tests."""
