"""A set of names that takes the same memory however many they are."""

import random

BITS = 28
"32 MB. Of 35 million names (a million films of six scenes), 3 per cent of all others seem to be in the set, too."
PLACES = 4
"Bits that each name sets."
WORD = (1 << 64) - 1


class BloomFilter:
    """Holds digests of 64 bits. What was added is in it; of all else a few seem to be, others in each set."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << BITS - 3)
        self._factors = [random.getrandbits(64) | 1 for _ in range(PLACES)]

    def add(self, digest: int) -> None:
        for factor in self._factors:
            place = (digest * factor & WORD) >> 64 - BITS
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, digest: int) -> bool:
        for factor in self._factors:
            place = (digest * factor & WORD) >> 64 - BITS
            if not self._bits[place >> 3] >> (place & 7) & 1:
                return False
        return True
