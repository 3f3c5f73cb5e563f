"""Decides what happens next. It touches no media."""
