"""Removal of identifying files after a time; results and the audit log are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ichnet.serving.inbox import Inbox
from ichnet.serving.state import DONE, REFUSED, State


def forget_files(
    state: State, inbox: Inbox, paths_of: Callable[[str], list[Path]], before: float
) -> int:
    """Remove received files and DICOM objects of series that finished before a time.

    Series that were set aside keep their files. The row of a series stays, without files, so that a
    series that is sent again is received anew.

    Args:
        state: state of the service.
        inbox: storage of received files.
        paths_of: returns the DICOM objects of a scan.
        before: time, seconds since 1970.

    Returns:
        The number of these series.
    """
    found = state.rows(
        "SELECT name, scan_id FROM series WHERE state IN (?, ?) AND finished_at < ? AND files > 0",
        DONE,
        REFUSED,
        before,
    )
    for row in found:
        with inbox.mutex:
            with state.transaction() as db:
                changed = db.execute(
                    "UPDATE series SET files = 0 WHERE name = ? AND state IN (?, ?)",
                    (row["name"], DONE, REFUSED),
                )
            if changed.rowcount:  # else files have come since: the series is being received
                for path in paths_of(row["scan_id"]) if row["scan_id"] else ():
                    path.unlink(missing_ok=True)
                # last: after a kill, a folder without a count is processed again
                inbox.remove(row["name"])
    return len(found)
