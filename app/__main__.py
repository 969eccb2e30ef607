"""``python -m app``."""

import gc
import sys

# What is imported stays, so the collector looks through ever more of it in vain meanwhile: a
# quarter of the start.
gc.disable()

from app.cli import main  # noqa: E402
from app.garbage import collect_seldom  # noqa: E402

collect_seldom()
gc.enable()
# Requests are answered by one thread; others that work beside it let go this soon, in seconds.
sys.setswitchinterval(0.001)

main()
