"""Addresses of the service, one blueprint per file."""
