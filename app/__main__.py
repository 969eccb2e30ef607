"""``python -m app``."""

import gc
import sys

# What is imported stays, so the collector looks through ever more of it in vain meanwhile: a
# quarter of the start.
gc.disable()

from app.cli import main  # noqa: E402

gc.freeze()
# A full collection holds every request up, and finds next to nothing that is not found before.
gc.set_threshold(700, 10, 100)
gc.enable()
# Requests are answered by one thread; others that work beside it let go this soon, in seconds.
sys.setswitchinterval(0.001)

main()
