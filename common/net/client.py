"""The HTTP client of the project, which alone opens addresses that come from outside.

`ask_json` talks to providers whose base address is configuration, so their host is trusted.
`download` fetches an address that a request or a provider's reply names, so nothing is trusted: the host is
resolved once, every answer is checked, and the connection goes to the checked address.
No proxy variables, cookies or `.netrc` are used, and no redirect is followed unchecked.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import requests
import urllib3

from common.errors import BadMedia, NotConfigured, Permanent, Retryable, Throttled
from common.net.guard import AddressRefused, Guard, Resolve, parse_networks, resolve
from common.net.transport import Adapter, Connect, Watch, connect, connect_first
from common.settings import Settings

MAX_REDIRECTS = 3
MAX_REPLY_BYTES = 16 * 1024 * 1024
MAX_REFUSAL = 500
"Bytes."
MAX_RETRY_AFTER = 24 * 3600.0
CHUNK = 256 * 1024
HEADERS = {"User-Agent": "Reelwright", "Accept-Encoding": "identity"}


class Timeouts(NamedTuple):
    """Seconds. `reply` and `download` bound a whole exchange, however slowly the bytes drip."""

    connect: float = 5.0
    read: float = 20.0
    reply: float = 30.0
    download: float = 600.0


class Reply(NamedTuple):
    """An answer of a provider. `data` is the parsed JSON of a success; None for one without content, or otherwise."""

    status: int
    data: Any
    refusal: str = ""
    "The beginning of the body of a 4xx. It tells reasons apart and is never shown: it may repeat the key."


class RawReply(NamedTuple):
    """An answer of a provider. `data` is the body of a success, `refusal` as in `Reply`."""

    status: int
    data: bytes
    host: str
    refusal: str = ""


class Upload(NamedTuple):
    """A file in a form."""

    field: str
    filename: str
    content: bytes
    media_type: str


class Download(NamedTuple):
    """A downloaded file. `media_type` is what the server claims; only the bytes can be believed."""

    media_type: str
    size: int


class Http:
    """Requests without a session. `verify` names a file of certificates to trust instead of the usual ones."""

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve = resolve,
        timeouts: Timeouts | None = None,
        verify: bool | str = True,
    ) -> None:
        self._guard = Guard(parse_networks(settings.fetch_allow_networks), resolve)
        self._timeouts, self._verify = timeouts or Timeouts(), verify

    def get_json(self, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Reply:
        """One GET to a configured provider, as `ask_json` sends it."""
        return self.ask_json("GET", url, headers, params)

    def ask_json(
        self, method: str, url: str, headers: Mapping[str, str], params: Mapping[str, str], body: Any = None
    ) -> Reply:
        """One request to a configured provider, with a JSON body unless it is None.

        A 2xx gives its JSON and a 4xx its status. Raises `Throttled` for 429, `Retryable` for 408, 5xx,
        a body that is not JSON and a host that does not answer, `Permanent` for a redirect, `NotConfigured`
        for settings that make no request. After a `Retryable`, what was asked for may have been done.
        """
        return _parsed(self._asked(_provider_request(method, url, headers, params=dict(params), json=body)))

    def ask_bytes(
        self, method: str, url: str, headers: Mapping[str, str], params: Mapping[str, str], body: Any = None
    ) -> RawReply:
        """As `ask_json`, for an answer that is not JSON."""
        return self._asked(_provider_request(method, url, headers, params=dict(params), json=body))

    def send_form(self, url: str, headers: Mapping[str, str], fields: Sequence[tuple[str, str]], file: Upload) -> Reply:
        """One POST to a configured provider: a form with a file in it. Answers and errors as of `ask_json`."""
        parts = [*((name, (None, value)) for name, value in fields), (file.field, file[1:])]
        return _parsed(self._asked(_provider_request("POST", url, headers, files=parts)))

    def _asked(self, request: requests.PreparedRequest) -> RawReply:
        host = _host_of(request)
        with Watch(self._timeouts.reply, _never) as watch, self._send(request, watch, connect) as response:
            _raise_retryable(response, host)
            if 300 <= response.status_code < 400:
                raise Permanent(f"{host} answered with a redirect; check its base address in the settings")
            answer = b"".join(_body(response, watch, host, MAX_REPLY_BYTES))
        if response.status_code < 300:
            return RawReply(response.status_code, answer, host)
        return RawReply(response.status_code, b"", host, answer[:MAX_REFUSAL].decode(errors="replace"))

    def download(self, url: str, path: Path, *, max_bytes: int, stop: Callable[[], None]) -> Download:
        """Fetches an address from outside into `path`.

        `stop` is called often and ends the download by raising. Raises `AddressRefused` for an address we do
        not open, `BadMedia` for more than `max_bytes`, `Permanent` for a 4xx, `Retryable` as `ask_json` does.
        """
        with Watch(self._timeouts.download, stop) as watch:
            for _ in range(MAX_REDIRECTS + 1):
                request = _outside_request(url)
                with self._send(request, watch, self._connect_checked) as response:
                    if not response.is_redirect:
                        return _receive(response, watch, _host_of(request), path, max_bytes)
                    url = _redirected(url, response.headers["location"])
        raise AddressRefused(f"the address redirects more than {MAX_REDIRECTS} times; give the final one")

    def _connect_checked(self, host: str, port: int, timeout: float) -> socket.socket:
        return connect_first(self._guard.addresses(host, port), port, timeout)

    @contextmanager
    def _send(self, request: requests.PreparedRequest, watch: Watch, connect: Connect) -> Iterator[requests.Response]:
        # The adapter is called directly: a requests.Session would read the whole body of a redirect,
        # however long, and bring cookies, proxies and .netrc along.
        adapter = Adapter(lambda host, port, timeout: watch.adopt(connect(host, port, timeout)))
        timeouts = (self._timeouts.connect, self._timeouts.read)
        with watch.translated(_host_of(request)):
            response = adapter.send(request, stream=True, timeout=timeouts, verify=self._verify)
        try:
            yield response
        finally:
            response.close()
            adapter.close()


def _provider_request(method: str, url: str, headers: Mapping[str, str], **content: Any) -> requests.PreparedRequest:
    try:
        if not "".join(headers.values()).isascii():
            raise ValueError("a header is not ASCII")
        return requests.Request(method, url, headers={**HEADERS, **headers}, **content).prepare()
    except ValueError:  # its text may hold the key
        raise NotConfigured("the address or key of a provider in the settings cannot be used; correct it") from None


def _outside_request(url: str) -> requests.PreparedRequest:
    """Checks the shape of an address; the host is checked where the connection is made."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused("the address has characters that do not belong in one")
    try:
        parts = urllib3.util.parse_url(url)
        if parts.scheme not in ("http", "https") or not parts.host:
            raise AddressRefused("the address must start with http:// or https:// and name a host")
        if parts.auth is not None:
            raise AddressRefused("the address must not carry a user name or password")
        if "%" in parts.host:  # an IPv6 zone, which means something on this machine only
            raise AddressRefused("the address must not name a network interface")
        return requests.Request("GET", url, headers=HEADERS).prepare()
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError, ValueError):
        raise AddressRefused("the address is not a web address") from None


def _redirected(url: str, location: str) -> str:
    try:
        # Headers come as Latin-1, addresses in them are written in UTF-8.
        return urljoin(url, location.encode("latin-1").decode())
    except ValueError:
        raise AddressRefused("the address redirects to something that is not a web address") from None


def _host_of(request: requests.PreparedRequest) -> str:
    return urllib3.util.parse_url(str(request.url)).host or ""


def _never() -> None:
    """For exchanges that are too short to be called off."""


def _receive(response: requests.Response, watch: Watch, host: str, path: Path, max_bytes: int) -> Download:
    _raise_retryable(response, host)
    if response.status_code != 200:
        raise Permanent(f"{host} answered {response.status_code}; check the address")
    with path.open("wb") as file:
        size = sum(file.write(chunk) for chunk in _body(response, watch, host, max_bytes))
    return Download(response.headers.get("content-type", "").partition(";")[0].strip().lower(), size)


def _body(response: requests.Response, watch: Watch, host: str, max_bytes: int) -> Iterator[bytes]:
    """The body as it comes, undecoded; raises `BadMedia` once it is longer than `max_bytes`."""
    claimed = response.headers.get("content-length", "")
    too_long = BadMedia(f"the file is larger than {max_bytes / 1024 / 1024:g} MB")
    if claimed.isdecimal() and int(claimed) > max_bytes:
        raise too_long
    got = 0
    while True:
        watch.check()
        with watch.translated(host):
            chunk = response.raw.read1(CHUNK, decode_content=False)
        if not chunk:
            break
        got += len(chunk)
        if got > max_bytes:
            raise too_long
        yield chunk
    watch.check()
    if claimed.isdecimal() and got < int(claimed):
        raise Retryable("the connection ended before the file was complete")


def _raise_retryable(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status == 429:
        raise Throttled(f"{host} asks to slow down", _retry_after(response.headers.get("retry-after", "")))
    if status == 408 or status >= 500:
        raise Retryable(f"{host} answered {status}")


def _retry_after(value: str) -> float | None:
    """Seconds from either form of Retry-After (a number or a date)."""
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def _parsed(raw: RawReply) -> Reply:
    empty = raw.status >= 300 or raw.status == 204
    return Reply(raw.status, None if empty else _parse(raw.data, raw.host), raw.refusal)


def _parse(body: bytes, host: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Retryable(f"{host} answered something that is not JSON") from None
