"""Spans of positions, short ones within long ones, by which sums are kept for reading the past.

What an account moved is summed over every span of 1,024 positions, over every sixteen of those, and
so on. The sum up to any position is then that of a few spans of each length, at most fifteen, and
of the events behind the last of them, at most 1,023: an as-of read costs the same however long the
history is. A span's bounds follow from positions alone, not from commits or batches, so that a
rebuilt projection has the same rows. A span that is not over yet is written too, but not read.
"""

SPAN_EVENTS = 1_024
FAN = 16
LEVELS = 4


def lengths() -> tuple[int, ...]:
    """How many positions the spans of each level hold, the shortest first."""
    return tuple(SPAN_EVENTS * FAN**level for level in range(LEVELS))


def end_of(position: int, length: int) -> int:
    """The last position of the span of this length that ``position`` lies in."""
    return -(-position // length) * length


def covering(upto: int) -> list[tuple[int, int]]:
    """(length, last position) of the fewest spans that hold 1..n, n the last end not after
    ``upto``; n is the end of the last one."""
    done, spans = 0, []
    for length in reversed(lengths()):
        while done + length <= upto:
            done += length
            spans.append((length, done))
    return spans
