import pytest

import everlog
from everlog.address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (everlog.DEFAULT_URL, Address(host="127.0.0.1", port=7420, tls=False)),
        ("everlog://example.org:9000", Address(host="example.org", port=9000, tls=False)),
        ("everlogs://example.org", Address(host="example.org", port=7420, tls=True)),
        ("example.org:9000", Address(host="example.org", port=9000, tls=False)),
        ("localhost", Address(host="localhost", port=7420, tls=False)),
        ("everlog://[::1]:7421/", Address(host="::1", port=7421, tls=False)),
    ],
)
def test_a_url_names_host_port_and_transport(url: str, expected: Address) -> None:
    assert parse_address(url) == expected


def test_an_ipv6_address_keeps_its_brackets_for_grpc() -> None:
    assert parse_address("everlog://[::1]").target == "[::1]:7420"


def test_an_address_is_written_as_the_url_that_gives_it_again() -> None:
    for url in ("everlog://127.0.0.1:7420", "everlogs://[fe80::1]:1"):
        assert str(parse_address(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "everlog://",
        "everlog://:7420",
        "everlog://example.org:port",
        "everlog://example.org:0",
        "everlog://example.org:70000",
        "everlog://example.org/tenant",
        "everlog://example.org?tenant=acme",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(url)


def test_a_url_with_credentials_is_refused_without_repeating_them() -> None:
    with pytest.raises(ValueError, match="credentials") as refusal:
        parse_address("everlog://me:secret@example.org")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("given", [{"tenant": "nö"}, {"token": "a\nb"}])
def test_what_metadata_can_not_carry_is_refused_when_the_client_is_made(
    given: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        everlog.connect(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"client_key": b"k"}, {"client_certificate": b"c"}])
def test_half_of_a_client_certificate_is_refused_when_the_client_is_made(
    given: dict[str, bytes],
) -> None:
    with pytest.raises(ValueError, match="go together"):
        everlog.connect("everlogs://example.org", **given)  # type: ignore[arg-type] # one of two
