"""The way in: the HTTP service and the command line that speaks to it."""
