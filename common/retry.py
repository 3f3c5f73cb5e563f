"""The pause before the next attempt. Pure."""

LONGEST = 60.0


def backoff(attempt: int, first: float, longest: float = LONGEST) -> float:
    """Seconds to wait after `attempt` (1 is the first): doubles each time, up to `longest`."""
    return float(min(longest, first * 2 ** max(0, attempt - 1)))
