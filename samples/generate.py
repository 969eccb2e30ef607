"""Writes the two example files anew: ``python -m samples.generate``."""

from pathlib import Path

from samples.people import write_csv, write_ndjson

ROWS = 50


def main() -> None:
    """Write `people.csv` and `people.ndjson` beside this module."""
    folder = Path(__file__).resolve().parent
    write_csv(folder / "people.csv", ROWS)
    write_ndjson(folder / "people.ndjson", ROWS)


if __name__ == "__main__":
    main()
