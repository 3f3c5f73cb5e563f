"""Recognisers of speech, one module each; `port.py` is their common port."""
