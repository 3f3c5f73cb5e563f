"""The guard over network addresses that a request from outside names: only public web hosts pass.

`ipaddress.is_global` alone is not enough: depending on the Python version it says True for multicast,
for 6to4 relays and for IPv6 forms that only wrap a private IPv4 address.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from common.errors import Permanent
from common.settings import BadSetting

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
"Host and port to the addresses they stand for; raises OSError when there are none."

SHOWN = 80
"Characters of a name that a message repeats."
WEB_PORTS = (80, 443)
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")
# Special-purpose ranges that some Python versions call global.
NEVER: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("2001::/23"),  # Teredo and other protocol assignments
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


class AddressRefused(Permanent):
    """An address from outside that we do not open."""

    code = "address_refused"


def parse_networks(text: str) -> tuple[Network, ...]:
    """`"127.0.0.0/8, fd00::/8"` as networks; raises `BadSetting`."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(f"FETCH_ALLOW_NETWORKS wants networks such as 10.1.0.0/16, comma separated: {error}") from None


def is_public(address: Address) -> bool:
    """True if the address belongs to a host on the public internet."""
    inner = _wrapped(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in NEVER)


def resolve(host: str, port: int) -> list[str]:
    """The answers of the system's resolver, which also takes IPv4 literals in octal, hexadecimal or as one number."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Guard:
    """Turns a host and port into addresses that may be connected to, or refuses.

    All answers of the resolver must be fine, not only the first: which one is used is not up to us.
    """

    def __init__(self, allow: tuple[Network, ...], resolve: Resolve = resolve) -> None:
        self._allow, self._resolve = allow, resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """Raises `AddressRefused`, or OSError when the name has no address."""
        try:
            addresses = self._resolve(host, port)
        except UnicodeError:  # such as a part of more than 63 letters; the name must be told, but it may be very long
            raise AddressRefused(f"{host[:SHOWN]} is no name that a host can have") from None
        for text in addresses:
            address = ip_address(text)
            if self._is_allowed(address):
                continue
            if port not in WEB_PORTS:
                raise AddressRefused(f"port {port} of {host} is not a web port; use 80 or 443")
            if not is_public(address):
                raise AddressRefused(f"{host} is not a host on the public internet; use a public address")
        return addresses

    def _is_allowed(self, address: Address) -> bool:
        forms = (address, _wrapped(address))
        return any(form in network for form in forms if form is not None for network in self._allow)


def _wrapped(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or address in COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
