"""The command line, a program of its own: it reaches the service over HTTP like any other client."""
