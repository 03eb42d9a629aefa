"""The generator behind Step Functions' seeded `$random`: the same seed gives the number that AWS gives."""

_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


def first_double(seed: int) -> float:
    """What `new java.util.Random(seed).nextDouble()` returns, from 0 up to but not including 1.

    AWS uses Java's generator: on AWS `$random(42)` is 0.7275636800328681. The formula is that of the class's
    documentation.
    """
    state = (seed ^ _MULTIPLIER) & _MASK
    state, high = _next(state, 26)
    _, low = _next(state, 27)
    return ((high << 27) + low) / float(1 << 53)


def _next(state: int, bits: int) -> tuple[int, int]:
    state = (state * _MULTIPLIER + 0xB) & _MASK
    return state, state >> (48 - bits)
