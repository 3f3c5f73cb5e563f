"""Hints on the message queue: which queues there are, and how a service listens to its own."""
