"""Where the code's schema meets Alembic, which is not needed while the database is at head.

To import it takes a fifth of the service's start, so whoever wants it imports this when it comes to
that. What asks whether it does, and the lock around it, are in `db`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

SCRIPTS = Path(__file__).resolve().parent.parent / "alembic"


def alembic_config() -> Config:
    """Return Alembic's configuration, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def move_to(connection: Connection, revision: str) -> None:
    """Bring the schema to this revision, up or all the way down to ``base``."""
    config = alembic_config()
    config.attributes["connection"] = connection
    move = command.downgrade if revision == "base" else command.upgrade
    move(config, revision)
