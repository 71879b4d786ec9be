"""The URL of an endpoint, and no other reading of it."""

import pytest

from services.chassis.refusal import InvalidField
from services.notifications.domain.endpoint_url import EndpointUrl


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authority"),
    [
        ("https://coop.example/hook?x=1", "coop.example", 443, "/hook?x=1", "coop.example"),
        ("https://coop.example", "coop.example", 443, "/", "coop.example"),
        ("https://COOP.example:8443/", "coop.example", 8443, "/", "coop.example:8443"),
        ("http://127.0.0.1:9000/a", "127.0.0.1", 9000, "/a", "127.0.0.1:9000"),
        ("https://[2606:2800:21f::1]:8443/", "2606:2800:21f::1", 8443, "/", "[2606:2800:21f::1]:8443"),
    ],
)
def test_its_parts(text: str, host: str, port: int, target: str, authority: str) -> None:
    url = EndpointUrl.parse(text)
    assert (url.host, url.port, url.target, url.authority) == (host, port, target, authority)


@pytest.mark.parametrize(
    "text",
    [
        "coop.example/hook",
        "//coop.example/hook",
        "ftp://coop.example/",
        "file:///etc/passwd",
        "gopher://coop.example/",
        "https://",
        "https:///hook",
        "https://user@coop.example/",
        "https://user:secret@coop.example/",
        "https://coop.example/#part",
        "https://coop.example/#",
        "https://coop.example:0/",
        "https://coop.example:22/",
        "https://coop.example:80/",
        "https://coop.example:65536/",
        "https://coop.example:x/",
        "https://coop.example/a b",
        "https://coop.example/a\r\nHost: inside",
        "https://coop.example\\@inside/",
        "https://[::1",
        "https://così.example/",
        "https://coop.example/" + "x" * 2_000,
    ],
)
def test_what_is_not_accepted(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        EndpointUrl.parse(text)
    assert refused.value.field == "url"
