"""How long to wait between two looks at an import."""

#: Seconds before each look. The second stands at 5 s, so an import that ends within 5 s costs two
#: at most; then they grow to one a minute.
_WAITS_S = (1.0, 4.0, 5.0, 10.0, 20.0, 40.0, 60.0)


def wait_before_poll(polls: int) -> float:
    """Return the seconds to wait before the next look, after this many looks."""
    return _WAITS_S[min(polls, len(_WAITS_S) - 1)]
