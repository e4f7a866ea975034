"""How a PACS is told who asks, and how it is known: token, certificates, CA, netrc, time limits."""

from __future__ import annotations

import ipaddress
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import get_netrc_auth

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class AccessError(Exception):
    """A PACS cannot be asked in the way that was told. Its text holds no secret."""


@dataclass(frozen=True)
class PacsAccess:
    """What is shown to a PACS, and asked of it.

    Attributes:
        token_file: holds a bearer token. Without one, user and password are taken from
            ``~/.netrc``, where there are any for the host.
        certificate: of this client, PEM, with its key in the same file or in ``certificate_key``.
        ca: PEM of whoever has signed the PACS's certificate; the system's otherwise.
        timeout_s: for connecting, and for each pause in an answer.
    """

    token_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    ca: Path | None = None
    timeout_s: float = 60.0

    def session(self, url: str) -> requests.Session:
        """Return a session for a PACS.

        Raises:
            AccessError: when a secret lies open to others, cannot be read, or would go over the
                network in plain text.
        """
        session = requests.Session()
        adapter = _TimeoutAdapter(self.timeout_s)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        secret = self._secret(url)
        if secret is not None:
            _require_encrypted(url)
            session.auth = secret
        if self.certificate_key and not self.certificate:
            raise AccessError("a client's key without its certificate")
        if self.certificate:
            for path in filter(None, (self.certificate, self.certificate_key)):
                _require_file(path)
            _require_private(self.certificate_key or self.certificate)
            key = self.certificate_key
            session.cert = (str(self.certificate), str(key)) if key else str(self.certificate)
        if self.ca:
            _require_file(self.ca)
            session.verify = str(self.ca)
        return session

    def _secret(self, url: str) -> AuthBase | tuple[str, str] | None:
        if self.token_file:
            _require_file(self.token_file)
            _require_private(self.token_file)
            token = self.token_file.read_text(encoding="utf-8").strip()
            if not token or not token.isascii() or not token.isprintable():
                raise AccessError(f"{self.token_file}: holds no token")
            return _Bearer(token)
        found = get_netrc_auth(url)
        if found is None:
            return None
        for path in _netrc_files():
            if path.exists():
                _require_private(path)
        return found


class _Bearer(AuthBase):
    """RFC 6750."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _TimeoutAdapter(HTTPAdapter):
    """Waits no longer than told, whatever the library that asks says of it."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        if options.get("timeout") is None:
            options["timeout"] = self._timeout_s
        return super().send(request, *args, **options)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing goes over a network."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_encrypted(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise AccessError(
            "a token or password would go over the network in plain text: use https://"
        )


def _require_file(path: Path) -> None:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise AccessError(f"{path}: cannot be read")


def _require_private(path: Path) -> None:
    if sys.platform != "win32" and path.stat().st_mode & OTHERS:
        raise AccessError(f"{path}: others can read it; chmod 600 {path}")


def _netrc_files() -> list[Path]:
    """Return where a netrc file is looked for, as requests does."""
    named = os.environ.get("NETRC")
    return (
        [Path(named)] if named else [Path("~/.netrc").expanduser(), Path("~/_netrc").expanduser()]
    )
