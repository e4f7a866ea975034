"""Zip archives, opened with suspicion: they come from outside."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ichnet.ct.errors import ReadError

MAX_BYTES = 16 << 30
"""No archive may unpack to more than 16 GiB."""

MAX_MEMBERS = 100_000

MAX_RATIO = 200
"""Nor to more than 200 times its own size, once it is larger than :data:`SMALL_BYTES`."""

SMALL_BYTES = 64 << 20

NAME_CHARACTERS = 60
"""Longer names are cut at their start when unpacked; file systems allow 255 bytes."""


def extract(archive: Path, folder: Path) -> dict[Path, Path]:
    """Unpack the files of an archive.

    Each goes into a numbered folder of its own: whatever path a member claims, it is written
    inside ``folder``, and no two collide.

    Returns:
        for each extracted file the name to show for it: the archive's path with the member's.

    Raises:
        ReadError: ``unsafe-archive`` (absolute paths, ``..``, links, more data than the limits
            above or than the disk has room for; nothing is unpacked then), or ``bad-archive``
            (damaged, encrypted, or compressed in a way Python does not know).
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            require_safe_members(archive, members)
            folder.mkdir(parents=True, exist_ok=True)
            _require_room(archive, members, folder)
            names: dict[Path, Path] = {}
            for number, member in enumerate(members):
                target = folder / f"{number:06d}" / _base_name(member)
                target.parent.mkdir()
                with opened.open(member) as source, target.open("wb") as destination:
                    shutil.copyfileobj(source, destination)
                names[target] = archive / member.filename
            return names
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ReadError(archive, "bad-archive", "the zip archive is damaged or cut off") from error
    except (RuntimeError, NotImplementedError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ReadError(archive, "bad-archive", f"the zip archive cannot be opened: {error}") from (
            error
        )


def _base_name(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name[-NAME_CHARACTERS:]


def require_safe_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive whose members leave it, are links, or hold far too much data.

    Raises:
        ReadError: ``unsafe-archive``.
    """
    for member in members:
        cause = _unsafe(member)
        if cause:
            raise ReadError(archive, "unsafe-archive", f"a member {cause}: {member.filename!r}")
    unpacked = sum(member.file_size for member in members)
    packed = archive.stat().st_size
    if len(members) > MAX_MEMBERS or unpacked > MAX_BYTES:
        raise ReadError(
            archive,
            "unsafe-archive",
            f"unpacks to {len(members):,} files of {unpacked / 2**30:.1f} GiB together; "
            "unpack it yourself if you trust it",
        )
    if unpacked > max(SMALL_BYTES, MAX_RATIO * packed):
        raise ReadError(
            archive, "unsafe-archive", f"unpacks to {unpacked // max(packed, 1):,} times its size"
        )


def _unsafe(member: zipfile.ZipInfo) -> str:
    """Say what is wrong with a member's name or kind; empty when nothing is."""
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
    if unpacked > free:
        raise ReadError(
            archive,
            "unsafe-archive",
            f"unpacks to {unpacked / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free",
        )
