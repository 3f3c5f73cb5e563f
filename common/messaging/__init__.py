"""The message queue: the names of queues and tasks, and the Celery application."""
