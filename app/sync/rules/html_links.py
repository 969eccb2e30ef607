"""The addresses that a campaign's HTML links to."""

from html.parser import HTMLParser

#: More than anybody's mail has, and no more than a row should hold.
MOST_LINKS = 500


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"a", "area"}:
            return
        for name, value in attrs:
            if name == "href" and value:
                self.found.setdefault(value.strip())


def links_in(html: str | None) -> list[str]:
    """Return the web addresses that are linked to, in their order, each once.

    Left out is what Dotdigital fills in for each contact, such as ``http://$UNSUB$``.
    """
    reader = _Links()
    reader.feed(html or "")
    reader.close()
    return _usable(list(reader.found))


def with_more_links(known: list[str], more: list[str]) -> list[str]:
    """Return the known addresses and behind them those that are new."""
    return _usable(list(dict.fromkeys([*known, *more])))


def _usable(links: list[str]) -> list[str]:
    web = [link for link in links if link.lower().startswith(("http://", "https://"))]
    return [link for link in web if "://$" not in link and "\x00" not in link][:MOST_LINKS]
