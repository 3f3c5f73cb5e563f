"""The speech service: text becomes a levelled narration with the time of each word.

It contains no recogniser (such as Whisper) yet: the speech engines themselves know when each word is spoken.
"""
