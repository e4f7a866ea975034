"""Zip archives from outside, unpacked within limits on paths, size and compression."""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ichnet.ct.errors import Exclusion, ReadError

MAX_BYTES = 16 << 30
"""No archive may unpack to more than 16 GiB, nor all archives of one call."""

MAX_MEMBERS = 100_000

MAX_RATIO = 200
"""Nor to more than 200 times its own size, once it is larger than :data:`SMALL_BYTES`."""

SMALL_BYTES = 64 << 20

RESERVE_BYTES = 1 << 30
"""Space to leave free on the disk, for other programs."""

METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflate"}
"""What can be inflated piece by piece. Python's readers of bzip2 and LZMA cannot: a few bytes
become gigabytes in memory at once."""

DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError),
    *(ValueError, LookupError, OverflowError, struct.error),
)
"""Exceptions that Python's ``zipfile`` raises on damaged archives."""


@dataclass(frozen=True)
class Unpacked:
    """The files unpacked from an archive.

    Attributes:
        names: for each extracted file the name to show for it, the archive's path with the
            member's.
        damaged: members that could not be extracted.
        unpacked_bytes: of all members.
    """

    names: dict[Path, Path]
    damaged: list[Exclusion]
    unpacked_bytes: int


def extract(archive: Path, folder: Path, most_bytes: int = MAX_BYTES) -> Unpacked:
    """Unpack the files of an archive.

    Each is written under a number of its own: whatever path a member claims, it lies inside
    ``folder``, and no two collide. A member that is damaged does not cost the others.

    Args:
        archive: a zip archive.
        folder: receives the files; it is made.
        most_bytes: largest total size that the archive may unpack to.

    Raises:
        ReadError: ``unsafe-archive`` (absolute paths, ``..``, links, more data than the limits
            above or than the disk has room for; nothing is unpacked then), or ``bad-archive``
            (damaged, encrypted, or compressed in a way that is not read).
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            require_safe_members(archive, members, most_bytes)
            folder.mkdir(parents=True, exist_ok=True)
            _require_room(archive, members, folder)
            names: dict[Path, Path] = {}
            damaged: list[Exclusion] = []
            for number, member in enumerate(members):
                target, name = folder / f"{number:06d}", member_path(archive, member)
                try:
                    with opened.open(member) as source, target.open("wb") as destination:
                        shutil.copyfileobj(source, destination)
                    names[target] = name
                except DAMAGED:
                    target.unlink(missing_ok=True)
                    detail = "this member of the archive is damaged"
                    damaged.append(Exclusion(name, "bad-archive", detail))
            return Unpacked(names, damaged, sum(member.file_size for member in members))
    except DAMAGED as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ReadError(archive, "bad-archive", "the zip archive is damaged or cut off") from error
    except OSError as error:
        raise ReadError(archive, "unreadable", error.strerror or type(error).__name__) from error


def member_path(archive: Path, member: zipfile.ZipInfo) -> Path:
    """Return the name to show for a member, below the archive's own."""
    path = archive / member.filename
    return path if path != archive else archive / f"member at byte {member.header_offset}"


def require_safe_members(
    archive: Path, members: list[zipfile.ZipInfo], most_bytes: int = MAX_BYTES
) -> None:
    """Refuse an archive whose members leave it, are links, or hold far too much data.

    Raises:
        ReadError: ``unsafe-archive``; ``bad-archive`` for members that are encrypted or compressed
            in a way that cannot be bounded.
    """
    for member in members:
        cause = _unsafe(member)
        if cause:
            raise ReadError(archive, "unsafe-archive", f"a member {cause}")
        if member.flag_bits & 1:
            raise ReadError(archive, "bad-archive", "the zip archive is encrypted")
        if member.compress_type not in METHODS:
            detail = f"compressed by another method than {' or '.join(METHODS.values())}"
            raise ReadError(archive, "bad-archive", f"{detail}: unpack it yourself")
    unpacked = sum(member.file_size for member in members)
    packed = archive.stat().st_size
    if len(members) > MAX_MEMBERS or unpacked > MAX_BYTES:
        raise ReadError(
            archive,
            "unsafe-archive",
            f"unpacks to {len(members):,} files of {unpacked / 2**30:.1f} GiB together; "
            "unpack it yourself if you trust it",
        )
    if unpacked > most_bytes:
        detail = f"unpacks to {unpacked / 2**30:.1f} GiB, more than is left for all archives"
        raise ReadError(archive, "unsafe-archive", f"{detail}; give them one by one")
    if unpacked > max(SMALL_BYTES, MAX_RATIO * packed):
        raise ReadError(
            archive, "unsafe-archive", f"unpacks to {unpacked // max(packed, 1):,} times its size"
        )


def _unsafe(member: zipfile.ZipInfo) -> str:
    """Return what is unsafe about a member's name or kind; empty when nothing is."""
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or re.match("[A-Za-z]:/", name):
        return "has an absolute path"
    if ".." in PurePosixPath(name).parts:
        return "leads out of the archive"
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device"
    return ""


def _require_room(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    unpacked = sum(member.file_size for member in members)
    free = shutil.disk_usage(folder).free
    if unpacked > free - RESERVE_BYTES:
        raise ReadError(
            archive,
            "unsafe-archive",
            f"unpacks to {unpacked / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free, of which "
            f"{RESERVE_BYTES / 2**30:g} GiB stay free",
        )
