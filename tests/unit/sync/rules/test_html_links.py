"""The addresses in a campaign's HTML."""

from app.sync.rules.html_links import MOST_LINKS, links_in, with_more_links


def test_links_come_in_their_order_each_once() -> None:
    html = """
        <a href="https://a.example/?x=1&amp;y=2">A</a> <A HREF='http://b.example/'>B</A>
        <area href="https://c.example/"><a href="https://a.example/?x=1&amp;y=2">again</a>
        <a href="mailto:x@a.example">mail</a> <a href="http://$UNSUB$">leave</a>
        <a name="here">no link</a> <a href>empty</a> <img src="https://d.example/x.png">
    """
    assert links_in(html) == [
        "https://a.example/?x=1&y=2",
        "http://b.example/",
        "https://c.example/",
    ]


def test_broken_html_is_read_as_far_as_it_goes() -> None:
    assert links_in('<p><a href="https://a.example/"><b <a href=') == ["https://a.example/"]
    assert links_in(None) == links_in("") == []


def test_clicked_links_join_behind_those_of_the_mail() -> None:
    known = ["https://a.example/"]
    assert with_more_links(known, ["https://b.example/", "https://a.example/", "x\x00"]) == [
        "https://a.example/",
        "https://b.example/",
    ]
    many = [f"https://a.example/{number}" for number in range(MOST_LINKS + 9)]
    assert len(with_more_links(known, many)) == MOST_LINKS
