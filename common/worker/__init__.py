"""How a service consumes its queue and runs steps: claim, heartbeat, drain, slots."""
