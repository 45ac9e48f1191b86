"""Which addresses are of the public internet."""

import ipaddress

import pytest

from flashback.clips.public import is_public

PUBLIC = [
    "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4007::1", "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822", "2002:5db8:d822::1",
]  # fmt: skip
NOT_PUBLIC = [
    # this machine, the house, the link, the provider
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1",
    "169.254.169.254", "100.64.0.1", "::", "::1", "fe80::1", "fe80::1%1", "fc00::1",
    "fd00:ec2::254", "fec0::1",
    # nobody, many, documents, protocols, tests
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.0.0.8",
    "192.0.0.9", "192.88.99.1", "ff0e::1", "2001:db8::1", "100::1", "5f00::1",
    # IPv4 in IPv6: mapped, compatible, 6to4, NAT64, NAT64 for local use, Teredo, ISATAP
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:c0a8:1::1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::5db8:d822", "2001:0:5db8:d822::1",
    "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_sites_may_be_asked(text: str) -> None:
    """Ordinary addresses pass, also through the gateways of networks that have only IPv6."""
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_public_is_never_asked(text: str) -> None:
    """No way of writing an address leads inside."""
    assert not is_public(ipaddress.ip_address(text))
