"""How many calls a run will make, and how long the rate limits let it take."""

import math
from dataclasses import dataclass

#: Looks at an import until its end, mostly.
_LOOKS = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What sending so many records comes to, at most and as far as is known."""

    calls: int
    #: By the rate limit alone; Dotdigital's own work on the imports comes on top.
    minutes: int


def estimate(records: int, batch_size: int, calls_a_minute: float) -> Estimate:
    """Estimate what it takes to send so many records in full imports.

    ``calls_a_minute``: what the scope of imports allows.
    """
    imports = math.ceil(records / batch_size)
    return Estimate(imports * (1 + _LOOKS), math.ceil(imports / calls_a_minute))
