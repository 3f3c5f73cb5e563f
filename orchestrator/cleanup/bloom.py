"""A Bloom filter over object digests: fixed 32 MB, about 3 % false positives."""

import random

BITS = 28
"Log2 of the size: 32 MB. With 35 million names (a million films of six scenes), 3 % of all others are false positives."
PLACES = 4
"Bits that each name sets."
WORD = (1 << 64) - 1


class BloomFilter:
    """A set of 64-bit digests. Every one added is in it; so, it seems, are a few others, different in each filter."""

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
