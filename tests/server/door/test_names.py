"""server/door/names.py: what Host and Origin headers name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.door.names import Authority, Origin, parse_authority, parse_origin


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("127.0.0.1:8765", "127.0.0.1", 8765),
        ("LocalHost", "localhost", None),
        ("[::1]:8765", "::1", 8765),
        ("[0:0:0:0:0:0:0:1]", "::1", None),
        ("example.org.", "example.org", None),
    ],
)
def test_a_host_and_a_port(text: str, name: str, port: int | None) -> None:
    """In lower case, without brackets and without the root's dot."""
    assert parse_authority(text) == Authority(name, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "a b",
        "user@127.0.0.1",
        "a/b",
        "a:0",
        "a:99999",
        "[::1",
        "[xyz]",
        "a;b",
        "ä",
        "a:b",
    ],
)
def test_anything_else_is_no_host(text: str) -> None:
    """Nothing of it gets into a policy or a comparison."""
    assert parse_authority(text) is None


@given(st.text(max_size=40))
def test_any_text_is_a_name_without_marks_or_nothing(text: str) -> None:
    """It never raises, and what it returns can stand in a header."""
    found = parse_authority(text)
    assert found is None or not set(found.name) & set(" ;,/@\"'\r\n")


@pytest.mark.parametrize("name", ["127.example.org", "127.0.0.1.example.org", "localhost.evil.org"])
def test_a_name_that_looks_like_this_machine_is_not(name: str) -> None:
    """DNS rebinding: its owner points it at 127.0.0.1 whenever it suits."""
    assert not Authority(name, None).is_this_machine


def test_an_origin_is_of_a_host_with_the_schemes_own_port() -> None:
    """https://a is a:443 and a; not a:80, and not another name."""
    origin = parse_origin("https://A.example")
    assert origin == Origin("https", "a.example", 443)
    assert origin.is_of(Authority("a.example", None))
    assert origin.is_of(Authority("a.example", 443))
    assert not origin.is_of(Authority("a.example", 80))
    assert not origin.is_of(Authority("b.example", None))


@pytest.mark.parametrize("text", ["null", "", "file://", "ftp://a", "https:a", "https://a/path"])
def test_what_is_no_site_is_no_origin(text: str) -> None:
    """`null` is what sandboxed frames and files send."""
    assert parse_origin(text) is None
