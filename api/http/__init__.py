"""The HTTP service: routes, the parsing of requests, and answers for errors."""
