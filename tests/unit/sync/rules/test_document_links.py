"""Which clicks are downloads."""

import pytest

from app.sync.rules.document_links import DocumentLinks

KNOWN = DocumentLinks(["/cmpdoc/1/2/files/8_annual-report.pdf", "/files/Film", ""])


@pytest.mark.parametrize(
    "url, expected",
    [
        pytest.param("https://i.example/cmpdoc/1/2/files/8_annual-report.pdf", True, id="known"),
        pytest.param("https://i.example/FILES/film?x=1", True, id="known, in other letters"),
        pytest.param("https://i.example/cmpdoc/9/9/files/1_x", True, id="in Dotdigital's folder"),
        pytest.param("https://i.example/cmpdoc%2F9%2Fx", True, id="escaped"),
        pytest.param("https://a.example/brochure.PDF#page=2", True, id="a document's ending"),
        pytest.param("https://a.example/list.xlsx?dl=1", True, id="ending before a query"),
        pytest.param("https://a.example/", False, id="a page"),
        pytest.param("https://a.example", False, id="a host"),
        pytest.param("https://a.pdf", False, id="a host that ends so"),
        pytest.param("https://a.example/pdf", False, id="a page that is called so"),
        pytest.param("https://a.example/page.html?file=x.pdf", False, id="in a query"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
def test_links_to_documents(url: str | None, expected: bool) -> None:
    assert KNOWN.leads_to_document(url) is expected
