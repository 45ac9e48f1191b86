"""Which addresses belong to the public internet, and which to this machine or the house's network.

Pure. An IPv6 address that carries an IPv4 address is judged by that one as well: Python's
``is_global`` calls 6to4 and NAT64 forms of 127.0.0.1 global.
"""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: RFC 4291 section 2.4: what is assigned of IPv6 and not for special use.
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
#: RFC 6052 section 2.1. The prefix for local use (RFC 8215) is not of the public internet.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
#: RFC 7526: relays of 6to4; nobody publishes pages there.
_RELAYS: Final = ipaddress.IPv4Network("192.88.99.0/24")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})  #: RFC 5214 section 6.1


def is_public(address: Address) -> bool:
    """Whether a page at this address may be asked for."""
    if isinstance(address, ipaddress.IPv4Address):
        # 192.0.0.0/24 serves protocols, whatever single addresses in it are called (RFC 6890).
        return (
            address.is_global
            and not address.is_multicast
            and address not in _RELAYS
            and not address.packed.startswith(b"\xc0\x00\x00")
        )
    carried = _carried(address)
    if address in _NAT64 or address.ipv4_mapped:
        return all(map(is_public, carried))
    # Some versions of Python take Teredo (2001::/32) for global, some do not.
    return (
        address in _UNICAST
        and address.is_global
        and address.teredo is None
        and all(map(is_public, carried))
    )


def _carried(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses inside an IPv6 address."""
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    found = [carried for carried in (address.ipv4_mapped, address.sixtofour) if carried]
    interface = int(address) >> 32 & 0xFFFFFFFF
    return [*found, last] if address in _NAT64 or interface in _ISATAP else found
