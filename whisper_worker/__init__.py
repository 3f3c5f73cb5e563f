"""The speech service: text becomes a levelled narration with the time of each word.

It contains no recogniser (such as Whisper) yet: speech engines know when each word is spoken, or else it is guessed
from the sound (`align.py`).
"""
