"""How often Python looks for cycles that nobody holds any more."""

import gc
from typing import Final

#: Containers that are made and not yet gone before the youngest are looked through; by default 700.
#: A batch of ten thousand people holds some hundred thousand, none of them in a cycle, and going
#: through them again and again took a quarter of a send's time.
_MADE: Final = 50_000
_YOUNG_LOOKS: Final = 20
#: A full look holds every request up, and finds next to nothing that was not found before.
_OLD_LOOKS: Final = 100


def collect_seldom() -> None:
    """Leave what the process stands on out of every look, and look seldom; once, at the start."""
    gc.freeze()
    gc.set_threshold(_MADE, _YOUNG_LOOKS, _OLD_LOOKS)
