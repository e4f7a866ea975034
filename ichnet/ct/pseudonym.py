"""Pseudonyms: names for scans and patients that do not tell who they are.

A pseudonym is a keyed hash (HMAC-SHA256, RFC 2104) of the source's own identity. With one key the
same series gets the same name in every step, so that predictions, records and reports join on it;
without the key nobody can compute a name from a list of candidate identities, as with a plain hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY_FILE_VARIABLE = "ICHNET_PSEUDONYM_KEY_FILE"
"""Environment variable that names the key file."""

KEY_BYTES = 32


def load_key(path: Path | None = None) -> bytes:
    """Return the secret key of this installation; make one when there is none.

    A new key is 32 random bytes in a file that only its owner can read. Several processes may
    start at once: all of them get the key of the first.

    Args:
        path: the key file; by default what ``ICHNET_PSEUDONYM_KEY_FILE`` names, else
            ``~/.config/ichnet/pseudonym.key``.

    Raises:
        ValueError: when the file holds fewer than 32 bytes.
        OSError: when the file cannot be read or made.
    """
    path = path or default_key_path()
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(
            f"{path}: a pseudonym key needs at least {KEY_BYTES} bytes, this file has {len(key)}"
        )
    return key


def default_key_path() -> Path:
    """Return where the key is looked for when no path is given."""
    named = os.environ.get(KEY_FILE_VARIABLE)
    return Path(named) if named else Path.home() / ".config" / "ichnet" / "pseudonym.key"


def pseudonym(key: bytes, kind: str, identity: str) -> str:
    """Return 16 hex digits that stand for an identity.

    Args:
        key: from :func:`load_key`.
        kind: what is named, ``scan`` or ``patient``; the same text as a scan's and as a patient's
            identity gives two names.
        identity: of a scan (:func:`ichnet.ct.dicom.scan_identity`); PatientID of a patient.
    """
    message = f"{kind}\0{identity}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:16]


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        # A link, unlike a rename, never replaces the key of a process that was quicker.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
