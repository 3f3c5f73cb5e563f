"""Recognisers of speech, one module each; `port.py` is their common port, and `make_recogniser` chooses one."""

from whisper_worker.recognition.choice import Missing, make_recogniser

__all__ = ["Missing", "make_recogniser"]
