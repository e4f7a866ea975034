"""What identifies goes when it is done with; results and the audit log stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ichnet.serving.inbox import Inbox
from ichnet.serving.state import DONE, REFUSED, State


def forget_files(
    state: State, inbox: Inbox, paths_of: Callable[[str], list[Path]], before: float
) -> int:
    """Remove received files and DICOM objects of series that ended before a time.

    What is set aside keeps its files. The row of the series stays without files, so that one that
    comes again is received anew.

    Args:
        state: of the service.
        inbox: holds the files.
        paths_of: DICOM objects of a scan.
        before: seconds since 1970.

    Returns:
        how many series these were.
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
                # last: after a kill a folder without a count is taken up again
                inbox.remove(row["name"])
    return len(found)
