"""The outgoing-HTTP guard against real sockets on loopback."""

import itertools
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import BadMedia, NotConfigured, Permanent, Retryable, StepError, Stopped, Throttled
from common.net import guard
from common.net.client import MAX_REDIRECTS, MAX_REPLY_BYTES, Http, Reply, Timeouts
from common.net.guard import AddressRefused
from common.settings import Settings
from tests.support.nasty_urls import NAMES, nasty_urls
from tests.support.web_server import WebServer, reply, web_server

# Linux answers on all of 127.0.0.0/8, so two loopback addresses can stand for inside and outside.
OUTSIDE = "127.0.0.2"
SETTINGS = replace(Settings(), fetch_allow_networks=f"{OUTSIDE}/32")
CERTIFICATE = Path(__file__).parents[2] / "support" / "media.test.pem"
METHODS = pytest.mark.parametrize("method", ["GET", "POST"])


def resolve(host: str, port: int) -> list[str]:
    """Names from a table, numbers as the system reads them; nothing is asked of a real name server."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(entry[4][0]) for entry in found]


def fetch(url: str, path: Path, http: Http | None = None, max_bytes: int = 1000) -> bytes:
    (http or Http(SETTINGS, resolve=resolve)).download(url, path, max_bytes=max_bytes, stop=lambda: None)
    return path.read_bytes()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """Something inside that must never be reached; its port counts as a web port, so only the address can save it."""
    with web_server(reply(b"secret")) as server:
        monkeypatch.setattr(guard, "WEB_PORTS", (80, 443, server.port))
        yield server
        assert server.hits == 0


def test_no_nasty_address_reaches_anything_inside(trap: WebServer, target: Path) -> None:
    urls = nasty_urls(trap.port)
    assert len(urls) >= 100
    for url in urls:
        with pytest.raises(AddressRefused):
            fetch(url, target)
    assert not target.exists()


def test_no_redirect_to_a_nasty_address_is_followed(trap: WebServer, target: Path) -> None:
    locations = [url for url in nasty_urls(trap.port) if "://" in url and url.isprintable() and url.isascii()]
    assert len(locations) >= 100
    for location in locations:
        with web_server(reply(status="302 Found", location=location), OUTSIDE) as server:
            with pytest.raises(AddressRefused):
                fetch(server.url, target)
            assert server.hits


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(trap: WebServer, target: Path) -> None:
    answers = iter([[OUTSIDE], ["127.0.0.1"]])
    with web_server(reply(b"clip"), OUTSIDE) as server:
        http = Http(SETTINGS, resolve=lambda host, port: next(answers))
        assert fetch(f"http://media.test:{server.port}/clip.mp4", target, http) == b"clip"
    assert next(answers) == ["127.0.0.1"]
    assert f"Host: media.test:{server.port}".encode() in server.heads[0]


def test_a_download_tells_the_type_and_the_size(target: Path) -> None:
    with web_server(reply(b"clip", content_type="Video/MP4; codecs=avc1"), OUTSIDE) as server:
        got = Http(SETTINGS).download(server.url, target, max_bytes=4, stop=lambda: None)
    assert got == ("video/mp4", 4)


def test_a_certificate_is_checked_against_the_name_in_the_address(target: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    names: list[str] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    http = Http(SETTINGS, resolve=lambda host, port: [OUTSIDE], verify=str(CERTIFICATE))
    with web_server(reply(b"clip"), OUTSIDE, context) as server:
        assert fetch(f"https://media.test:{server.port}/", target, http) == b"clip"
        with pytest.raises(Permanent, match=r"the certificate of other\.test is not valid"):
            fetch(f"https://other.test:{server.port}/", target, http)
        with pytest.raises(Permanent, match="certificate"):
            fetch(f"https://media.test:{server.port}/", target, Http(SETTINGS, resolve=lambda host, port: [OUTSIDE]))
    assert names == ["media.test", "other.test", "media.test"]


def test_a_few_redirects_are_followed(target: Path) -> None:
    counter = itertools.count(1)

    def chain(stream: socket.socket, head: bytes) -> None:
        step = next(counter)
        answer = reply(b"clip") if step == MAX_REDIRECTS + 1 else reply(status="302 Found", location=f"/{step}")
        answer(stream, head)

    with web_server(chain, OUTSIDE) as server:
        assert fetch(server.url, target) == b"clip"
    assert server.hits == MAX_REDIRECTS + 1


def test_an_endless_chain_of_redirects_is_given_up(target: Path) -> None:
    loop = web_server(reply(status="301 Moved", location="/again"), OUTSIDE)
    with loop as server, pytest.raises(AddressRefused, match=f"more than {MAX_REDIRECTS} times"):
        fetch(server.url, target)
    assert server.hits == MAX_REDIRECTS + 1


def test_the_body_of_a_redirect_is_not_read(target: Path) -> None:
    hung_up = threading.Event()

    def endless(stream: socket.socket, head: bytes) -> None:
        if head.startswith(b"GET /clip"):
            return reply(b"clip")(stream, head)
        stream.sendall(b"HTTP/1.1 302 Found\r\nlocation: /clip\r\n\r\n")
        try:
            while True:
                stream.sendall(bytes(65536))
        finally:
            hung_up.set()

    with web_server(endless, OUTSIDE) as server:
        assert fetch(server.url, target) == b"clip"
        assert hung_up.wait(30)


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_over_the_limit_is_cut_off(announced: bool, target: Path) -> None:
    def body(stream: socket.socket, _: bytes) -> None:
        length = b"content-length: 1001\r\n" if announced else b""
        stream.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"connection: close\r\n\r\n" + bytes(1001))

    with web_server(body, OUTSIDE) as server, pytest.raises(BadMedia, match="larger than"):
        fetch(server.url, target)


def test_a_compressed_body_is_not_unpacked(target: Path) -> None:
    with web_server(reply(b"packed", content_encoding="gzip"), OUTSIDE) as server:
        assert fetch(server.url, target) == b"packed"
    assert b"Accept-Encoding: identity" in server.heads[0]


@pytest.mark.parametrize("framing", [b"content-length: 100\r\n", b"transfer-encoding: chunked\r\n"])
def test_a_connection_that_ends_early_is_worth_another_try(framing: bytes, target: Path) -> None:
    def cut(stream: socket.socket, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n" + b"40\r\nbut")

    with web_server(cut, OUTSIDE) as server, pytest.raises(Retryable):
        fetch(server.url, target)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("404 Not Found", Permanent),
        ("403 Forbidden", Permanent),
        ("204 No Content", Permanent),
        ("304 Not Modified", Permanent),
        ("408 Request Timeout", Retryable),
        ("500 Internal Server Error", Retryable),
        ("503 Service Unavailable", Retryable),
        ("429 Too Many Requests", Throttled),
    ],
)
def test_a_status_decides_whether_another_try_makes_sense(status: str, error: type[StepError], target: Path) -> None:
    with web_server(reply(b"no", status), OUTSIDE) as server, pytest.raises(error, match=OUTSIDE) as caught:
        fetch(server.url, target)
    assert type(caught.value) is error
    assert not target.exists()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("Fri, 01 Jan 2021 00:00:00 GMT", 0), ("soon", None), ("99999999999", 86400), ("²", None)],
)
def test_a_wait_that_a_server_asks_for_is_passed_on(value: str, seconds: float | None, target: Path) -> None:
    throttle = reply(status="429 Too Many Requests", retry_after=value.encode().decode("latin1"))
    with web_server(throttle, OUTSIDE) as server, pytest.raises(Throttled) as caught:
        fetch(server.url, target)
    assert caught.value.retry_after == seconds


def test_a_host_that_does_not_answer_is_worth_another_try(target: Path) -> None:
    with web_server(reply(), OUTSIDE) as server:
        pass
    with pytest.raises(Retryable, match=r"127\.0\.0\.2 does not answer"):
        fetch(server.url, target)
    with pytest.raises(Retryable, match=r"unknown\.test does not answer"):
        fetch("http://unknown.test/", target)


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nx-slow: ", b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"]
)
def test_a_server_that_drips_is_given_up_when_the_time_for_all_of_it_is_up(start: bytes, target: Path) -> None:
    over = threading.Event()

    def drip(stream: socket.socket, _: bytes) -> None:
        stream.sendall(start)
        while not over.wait(0.02):
            stream.sendall(b"x")

    timeouts = Timeouts(connect=5, read=60, download=0.3)
    with web_server(drip, OUTSIDE) as server:
        with pytest.raises(Retryable, match="longer than"):
            fetch(server.url, target, Http(SETTINGS, timeouts=timeouts))
        over.set()


def test_a_download_that_is_stuck_ends_when_the_step_is_called_off(target: Path) -> None:
    reached, over = threading.Event(), threading.Event()

    def stuck(_: socket.socket, __: bytes) -> None:
        reached.set()
        over.wait(60)

    def stop() -> None:
        if reached.is_set():
            raise Stopped("the step was called off")

    with web_server(stuck, OUTSIDE) as server:
        with pytest.raises(Stopped):
            Http(SETTINGS).download(server.url, target, max_bytes=10, stop=stop)
        over.set()


def test_proxies_and_passwords_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trap: WebServer
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {OUTSIDE} login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    with web_server(reply(b"{}"), OUTSIDE) as server:
        fetch(server.url, tmp_path / "file")
        Http(SETTINGS).get_json(server.url, {}, {})
    assert server.hits == 2
    assert not any(b"authorization" in head.lower() for head in server.heads)


def test_a_provider_is_asked_with_its_headers_and_parameters() -> None:
    with web_server(reply(b'{"videos": []}')) as server:
        got = Http(Settings()).get_json(f"{server.url}/search", {"Authorization": "key"}, {"query": "a b&c"})
    assert got == Reply(200, {"videos": []})
    assert server.heads[0].startswith(b"GET /search?query=a+b%26c HTTP/1.1\r\n")
    assert b"Authorization: key\r\n" in server.heads[0]


def test_an_order_goes_out_once_with_its_body() -> None:
    bodies: list[bytes] = []

    def take(stream: socket.socket, head: bytes) -> None:
        head, _, body = head.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += stream.recv(65536)
        bodies.append(body)
        reply(b'{"id": 7}', "201 Created")(stream, head)

    with web_server(take) as server:
        got = Http(Settings()).ask_json("POST", server.url, {"Key": "k"}, {"once": "1"}, {"clip": "boats"})
    assert got == Reply(201, {"id": 7})
    (head,) = server.heads
    assert head.startswith(b"POST /?once=1 HTTP/1.1\r\n")
    assert b"Key: k\r\n" in head
    assert b"Content-Type: application/json\r\n" in head
    assert [json.loads(body) for body in bodies] == [{"clip": "boats"}]


def test_a_success_may_be_without_content() -> None:
    with web_server(reply(status="204 No Content")) as server:
        assert Http(Settings()).ask_json("DELETE", server.url, {}, {}) == Reply(204, None)
    assert server.heads[0].startswith(b"DELETE / HTTP/1.1\r\n")


@METHODS
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("408 Request Timeout", Retryable),
        ("503 Service Unavailable", Retryable),
        ("429 Too Many Requests", Throttled),
    ],
)
def test_a_provider_that_cannot_answer_now_is_worth_another_try(
    method: str, status: str, error: type[StepError]
) -> None:
    with web_server(reply(b"no", status)) as server, pytest.raises(error) as caught:
        Http(Settings()).ask_json(method, server.url, {}, {})
    assert type(caught.value) is error
    with pytest.raises(Retryable, match="does not answer"):
        Http(Settings()).ask_json(method, server.url, {}, {})
    assert server.hits == 1


@METHODS
def test_a_provider_that_drips_is_given_up_when_the_time_for_a_reply_is_up(method: str) -> None:
    over = threading.Event()

    def drip(stream: socket.socket, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n")
        while not over.wait(0.02):
            stream.sendall(b"x")

    with web_server(drip) as server:
        with pytest.raises(Retryable, match="longer than"):
            Http(Settings(), timeouts=Timeouts(read=60, reply=0.3)).ask_json(method, server.url, {}, {})
        over.set()


@METHODS
def test_an_answer_has_a_limit(method: str) -> None:
    endless = reply(content_length=str(MAX_REPLY_BYTES + 1))
    with web_server(endless) as server, pytest.raises(BadMedia, match="larger than"):
        Http(Settings()).ask_json(method, server.url, {}, {})


@METHODS
def test_a_refusal_of_a_provider_is_an_answer_not_an_error(method: str) -> None:
    with web_server(reply(b"who are you", "401 Unauthorized")) as server:
        assert Http(Settings()).ask_json(method, server.url, {}, {}) == Reply(401, None, "who are you")


@METHODS
@pytest.mark.parametrize("body", [b"<html>Just a moment...</html>", b"", b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_is_not_json_is_worth_another_try(method: str, body: bytes) -> None:
    with web_server(reply(body)) as server, pytest.raises(Retryable, match="not JSON"):
        Http(Settings()).ask_json(method, server.url, {}, {})


@METHODS
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_a_provider_that_redirects_is_not_followed_so_a_key_goes_nowhere_else(method: str, status: str) -> None:
    with web_server(reply()) as other, web_server(reply(status=status, location=other.url)) as server:
        with pytest.raises(Permanent, match="redirect"):
            Http(Settings()).ask_json(method, server.url, {"Authorization": "key"}, {})
        assert other.hits == 0


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("api.test", "s3cr3t"),
        ("", "s3cr3t"),
        ("http://", "s3cr3t"),
        ("http://api.test", "s3\ncr3t"),
        ("http://api.test", "s3cr\u00e9t"),
    ],
)
def test_settings_that_make_no_request_are_told_without_showing_the_key(url: str, key: str) -> None:
    with pytest.raises(NotConfigured, match="address or key of a provider") as caught:
        Http(Settings()).get_json(url, {"Authorization": key}, {})
    assert key not in repr(caught.value)
    assert caught.value.__cause__ is None
