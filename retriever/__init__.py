"""Finds footage for shots, and brings the chosen one in checked."""
