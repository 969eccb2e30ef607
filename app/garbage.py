"""How often Python looks for cycles that nobody holds any more."""

import gc
from typing import Final

#: Containers that are made and not yet gone before it looks; by default 700 or 2000. A batch of ten
#: thousand people holds some hundred thousand, none of them in a cycle, and going through them
#: again and again took a quarter of a send's time.
_MADE: Final = 50_000
_LOOKS: Final = 20


def collect_seldom() -> None:
    """Leave out of each look what the process stands on, and look seldom; once, at the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE, _LOOKS, _LOOKS)
