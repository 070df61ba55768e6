"""How often one client may ask one worker.

Counted in the memory of each worker, in a window that moves with the time; so several workers together let
through up to that many times as much.
"""

import ipaddress

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from digitkit.core.errors import TooMany
from digitkit.service.settings import OFF


class Rate:
    """Lets so many requests of each client through, as "600/minute"; "off" lets all."""

    def __init__(self, rate: str) -> None:
        self._item: RateLimitItem | None = None if rate == OFF else parse(rate)
        self._limiter = None if self._item is None else SlidingWindowCounterRateLimiter(MemoryStorage())

    def check(self, request: Request) -> None:
        """Count a request.

        Raises: TooMany when its client has had as many.
        """
        if self._item is None or self._limiter is None:
            return
        client = _network(request.client.host if request.client else "")
        if not self._limiter.hit(self._item, client):
            raise TooMany(f"More than {self._item.amount} requests a {self._item.GRANULARITY.name}. Slow down.")


def _network(address: str) -> str:
    """Who is asking: an IPv4 address, or the /64 of an IPv6 one, which is given to one household."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return address
