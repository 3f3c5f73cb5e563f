"""The command line. Speaks to the service over HTTP like any other client."""
