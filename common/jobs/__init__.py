"""The job record in Redis, the leases of its steps, and the loop that runs one step."""
