"""Inspection of downloaded media, in a process of its own with limited memory and time."""
