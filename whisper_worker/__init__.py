"""The speech service: text becomes a levelled narration with the time of each word."""
