import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.decoding import CHARSETS, Decoder, known_charset
from app.services.import_rows import Unreadable


def decode(body: bytes, charset: str = "utf-8", piece: int | None = None) -> str:
    """Decode the bytes in pieces of this many."""
    decoder = Decoder(charset)
    size = piece or max(len(body), 1)
    text = "".join(decoder.feed(body[start : start + size]) for start in range(0, len(body), size))
    return text + decoder.feed(b"", final=True)


@pytest.mark.parametrize("piece", [None, 1, 2, 3])
@pytest.mark.parametrize(
    "body, charset, expected",
    [
        pytest.param("Zoë,日本\n".encode(), "utf-8", "Zoë,日本\n", id="UTF-8"),
        pytest.param("Zoë".encode("utf-8-sig"), "utf-8", "Zoë", id="UTF-8 with a mark"),
        pytest.param("Zoë".encode("utf-8-sig"), "cp1252", "Zoë", id="a mark beats the charset"),
        pytest.param("Zoë,日本".encode("utf-16"), "utf-8", "Zoë,日本", id="UTF-16 by its mark"),
        pytest.param(
            b"\xfe\xff" + "Zoë".encode("utf-16-be"), "utf-8", "Zoë", id="the other UTF-16"
        ),
        pytest.param("Zoë".encode("latin-1"), "iso8859-1", "Zoë", id="Latin-1"),
        pytest.param("Zoë €".encode("cp1252"), "cp1252", "Zoë €", id="windows-1252"),
        pytest.param(b"", "utf-8", "", id="nothing"),
        pytest.param(b"a", "utf-8", "a", id="less than a mark"),
    ],
)
def test_bytes_become_text(body: bytes, charset: str, expected: str, piece: int | None) -> None:
    assert decode(body, charset, piece) == expected


@given(st.text(), st.integers(1, 20))
def test_text_is_decoded_the_same_however_it_is_cut(text: str, piece: int) -> None:
    assert decode(text.encode(), piece=piece) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("piece", [None, 1, 3])
@pytest.mark.parametrize(
    "body, charset, expected",
    [
        pytest.param("a\nb\nZoë,x\n".encode("latin-1"), "utf-8", "Line 3 is not UTF-8 (byte 0xEB)",
                     id="Latin-1 sent as UTF-8"),
        pytest.param("a\rb\rZoë,x\r".encode("latin-1"), "utf-8", "Line 3 is not UTF-8",
                     id="with the line ends of old"),
        pytest.param("a\r\nZoë,x".encode("latin-1"), "utf-8", "Line 2 is not UTF-8", id="CRLF"),
        pytest.param("a\nb\xe9".encode("latin-1"), "utf-8", "Line 2 is not UTF-8", id="cut off"),
        pytest.param("a\nZoë".encode(), "ascii", "Line 2 is not ascii", id="not ASCII"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_charset_is_refused_by_line(
    body: bytes, charset: str, expected: str, piece: int | None
) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(body, charset, piece)
    assert caught.value.detail.startswith(expected)
    assert "Save the file as UTF-8" in caught.value.detail


@pytest.mark.parametrize(
    "name, known",
    [
        pytest.param("UTF-8", "utf-8", id="upper case"),
        pytest.param("utf8", "utf-8", id="short"),
        pytest.param("latin1", "iso8859-1", id="an alias"),
        pytest.param("ISO-8859-15", "iso8859-15", id="with the euro sign"),
        pytest.param("windows-1252", "cp1252", id="windows"),
        pytest.param("us-ascii", "ascii", id="ascii"),
        pytest.param("base64", None, id="a codec that is no charset"),
        pytest.param("zlib", None, id="a codec that unpacks"),
        pytest.param("utf-7", None, id="one that nobody should send"),
        pytest.param("klingon", None, id="unknown"),
        pytest.param("", None, id="nothing"),
        pytest.param("a\x00b", None, id="no name at all"),
    ],
)
def test_charsets_are_known_by_their_aliases(name: str, known: str | None) -> None:
    assert known_charset(name) == known


def test_every_charset_is_one_that_python_has() -> None:
    assert {known_charset(name) for name in CHARSETS} == CHARSETS
