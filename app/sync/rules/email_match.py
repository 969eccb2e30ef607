"""Emails as two sides may spell one: blanks around it, case, the form of its characters."""

import unicodedata


def matched_by(email: str) -> str:
    """Return what every spelling of this address has in common.

    Postgres lowers by its own rules, which hang on how the database was made, Python by others, and
    Dotdigital reports an address as it keeps it. So case is folded, and the two letters i of
    Turkish, which each of them lowers differently, count as one.
    """
    plain = email.strip()
    if plain.isascii():
        return plain.lower()
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")
