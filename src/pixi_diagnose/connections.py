"""How a tool was told to reach package indexes: mirrors, proxies, certificates, the keyring.

What decides *whether* an answer comes is taken over, so that it comes here too. Which roots a tool trusts of itself is
not: uv and pixi bring some along (`native-tls`, `system-certs` and `tls-root-certs` choose the system's), here the
system's hold, and SSL_CERT_FILE and SSL_CERT_DIR in their place, as with all three tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from .lazy_dataclass import dataclass

__all__ = ["Connections", "proxy_patterns"]

ANY = "*"


@dataclass(frozen=True, slots=True)
class Connections:
    """What holds for the requests of one tool; empty where it goes by its defaults and by the usual variables.

    `mirrors` are (the start of addresses, what is asked in its place, in order). `proxies` are (scheme and host as a
    pattern such as "https://" or "all://*index.example", the proxy, "" for none), and go before those of variables.
    `unverified` are hosts whose certificates are not checked: "index.example", "index.example:8443", or "*" for all.
    `certificates` is a file or folder of roots that are trusted as well, `client_certificate` a file with what this
    side shows, key included. `keyring`: passwords come from the program keyring, too.
    """

    keyring: bool = False
    mirrors: tuple[tuple[str, tuple[str, ...]], ...] = ()
    proxies: tuple[tuple[str, str], ...] = ()
    unverified: tuple[str, ...] = ()
    certificates: str = ""
    client_certificate: str = ""

    def verifies(self, url: str) -> bool:
        """Whether the certificate of an address's host is checked."""
        if not self.unverified:
            return True
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
            named = {ANY, host, f"{host}:{parts.port}"}
        except ValueError:  # it is no address: whoever asks it will say so
            return True
        return named.isdisjoint(entry.removeprefix("https://").rstrip("/").lower() for entry in self.unverified)

    def accepts(self, url: str) -> bool:
        """Whether pip takes an address for that of an index: https, this machine, a file, or a trusted host."""
        try:
            parts = urlsplit(url)
            scheme, host = parts.scheme.rpartition("+")[2], parts.hostname or ""
        except ValueError:
            return True
        return scheme != "http" or host == "localhost" or _is_loopback(host) or not self.verifies(url)


def _is_loopback(host: str) -> bool:
    import ipaddress  # slow to import, and few have an index without https

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_patterns(http: str, https: str, without: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
    """`Connections.proxies` from the addresses of proxies ("" for none) and the hosts that are asked without one."""
    named = tuple(
        (f"{scheme}://", address if "://" in address else f"http://{address}")
        for scheme, address in (("http", http), ("https", https))
        if address
    )
    hosts = [host.strip() for host in without]
    if ANY in hosts:
        return ()
    domains = (host.lstrip("*").lstrip(".") for host in hosts)
    return (*((f"all://*{domain}", "") for domain in domains if named and domain), *named)
