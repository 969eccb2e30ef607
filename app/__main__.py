"""``python -m app``."""

import gc

# What is imported stays, so the collector looks through ever more of it in vain meanwhile: a
# quarter of the start.
gc.disable()

from app.cli import main  # noqa: E402

gc.freeze()
gc.enable()

main()
