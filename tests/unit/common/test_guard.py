from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.net.guard import AddressRefused, Guard, is_public, parse_networks
from common.settings import BadSetting

PRIVATE = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1
198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1
::ffff:127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:10::1 2001:20::1
2001:db8::1 2002:a9fe:a9fe:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = "1.1.1.1 93.184.215.14 2606:4700::1111 2a00:1450:4001::64 64:ff9b::101:101 ::ffff:1.1.1.1 2002:101:101::1"


@pytest.mark.parametrize("text", PRIVATE.split())
def test_an_address_that_is_not_on_the_internet_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_an_address_on_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_wrapping_an_ipv4_address_never_makes_it_public(number: int) -> None:
    plain = IPv4Address(number)
    wrapped = [0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80 | 1]
    for form in wrapped:
        assert is_public(IPv6Address(form)) == is_public(plain)


def test_a_network_can_be_allowed_and_then_any_port_of_it() -> None:
    guard = Guard(parse_networks("127.0.0.0/8, fd00::/8"), lambda host, port: ["127.0.0.1", "fd00::1"])
    assert guard.addresses("media.test", 8123) == ["127.0.0.1", "fd00::1"]


def test_an_allowed_network_is_also_allowed_in_its_wrapped_form() -> None:
    guard = Guard(parse_networks("127.0.0.0/8"), lambda host, port: ["::ffff:127.0.0.1"])
    assert guard.addresses("media.test", 80) == ["::ffff:127.0.0.1"]


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 9000])
def test_only_web_ports_are_opened_on_the_internet(port: int) -> None:
    guard = Guard((), lambda host, port: ["1.1.1.1"])
    assert guard.addresses("media.test", 443) == ["1.1.1.1"]
    with pytest.raises(AddressRefused, match=f"port {port} of media.test"):
        guard.addresses("media.test", port)


@pytest.mark.parametrize("answers", [["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"], ["1.1.1.1", "::1"]])
def test_one_bad_answer_among_good_ones_is_enough_to_refuse(answers: list[str]) -> None:
    with pytest.raises(AddressRefused, match=r"media\.test is not a host on the public internet"):
        Guard((), lambda host, port: answers).addresses("media.test", 80)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "media..example", "x." + "b" * 300])
def test_a_name_that_no_host_can_have_is_refused_by_the_real_resolver_too(host: str) -> None:
    with pytest.raises(AddressRefused, match="no name that a host can have"):
        Guard(()).addresses(host, 80)


def test_a_setting_that_is_no_network_is_named() -> None:
    with pytest.raises(BadSetting, match="FETCH_ALLOW_NETWORKS"):
        parse_networks("localhost")
