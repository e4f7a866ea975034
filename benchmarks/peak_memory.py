"""The peak memory of this process, for the benchmarks beside it."""

from __future__ import annotations

import re
from pathlib import Path


def peak_kb() -> int:
    """Return this process's peak memory; getrusage would tell that of the parent at the start."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])
