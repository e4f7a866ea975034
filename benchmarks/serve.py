"""What `ichnet serve` takes in: scans of 32 slices of 512 x 512, sent as fast as they can be.

The service, with the model in the package, runs in a process of its own and stores its results in
Orthanc (C-STORE), where that is installed, else nowhere. One association sends slice after slice,
scan after scan. A scan's time runs from its last slice to the answer of Orthanc to its result.
Memory is the service's, when a fifth of the scans are done and at the end.

    python benchmarks/serve.py [--scans 200]

The last line is one JSON object: scans a minute from the first slice to the last result, the 95 %
quantile and the median of seconds from a scan's last slice to its stored result, and the ratio of
the peak memory of all to that of the first fifth of the scans.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from predict import write_scans
from pydicom import dcmread
from pydicom.uid import CTImageStorage
from pynetdicom import AE

sys.path.append(str(Path(__file__).parents[1] / "tests" / "helpers"))
from real_orthanc import IS_INSTALLED, free_port, running_orthanc

START_S, SCAN_S = 600, 600
"""Limits for starting the service, and for each scan."""


def main() -> None:
    """Send, wait, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scans", type=int, default=200, help="(200)")
    scans = parser.parse_args().scans
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_scans(folder / "scans", scans)
        options: list[str] = []
        if IS_INSTALLED:
            (folder / "orthanc").mkdir()
            orthanc = stack.enter_context(running_orthanc(folder / "orthanc"))
            options = ["--send", f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"]
        service = stack.enter_context(serving(folder / "state", options))
        begin = time.time()
        send(service.port, sorted((folder / "scans").iterdir()))
        rows, few_mib = wait_for(folder / "state", scans, service)
        seconds = max(row["finished_at"] for row in rows) - begin
        many_mib = service.peak_mib()
    turnaround_s = [row["finished_at"] - row["last_at"] for row in rows]
    print(f"{scans} scans in {seconds:.0f} s, results in Orthanc: {IS_INSTALLED}")
    print(f"peak memory: {few_mib:.0f} MiB after a fifth, {many_mib:.0f} MiB at the end")
    result = {
        "scans_per_minute": round(60 * scans / seconds, 2),
        "p95_seconds": round(float(np.quantile(turnaround_s, 0.95)), 2),
        "median_seconds": round(float(np.median(turnaround_s)), 2),
        "rss_ratio": round(many_mib / few_mib, 3),
    }
    print(json.dumps(result))


class Process:
    """The service's process, and where it listens."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def peak_mib(self) -> float:
        """Return the most memory that it has had (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@contextmanager
def serving(state: Path, options: list[str]) -> Iterator[Process]:
    """Run the service until the block ends."""
    port, http_port = free_port(), free_port()
    where = ["--state", str(state), "--port", str(port), "--http-port", str(http_port)]
    command = [sys.executable, "-m", "ichnet", "serve", *where, "--quiet-seconds", "2", *options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while not is_ready(http_port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the service does not start")
            time.sleep(0.1)
        yield Process(process, port)
    finally:
        process.terminate()
        process.wait(SCAN_S)


def is_ready(http_port: int) -> bool:
    """Whether the service has loaded its model."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/ready", timeout=5):
            return True
    except OSError:
        return False


def send(port: int, scans: list[Path]) -> None:
    """Send all slices of all scans in one association."""
    entity = AE("BENCHMARK")
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", port, ae_title="ICHNET")
    for scan in scans:
        for path in sorted(scan.iterdir(), key=lambda one: int(one.stem)):
            status = association.send_c_store(dcmread(path)).get("Status")
            if status != 0:
                raise RuntimeError(f"a slice was answered with {status}")
    association.release()


def wait_for(state: Path, scans: int, service: Process) -> tuple[list[dict[str, Any]], float]:
    """Return the rows of all scans when they are done, and peak memory after a fifth of them."""
    few_mib = 0.0
    end = time.monotonic() + SCAN_S * scans
    while time.monotonic() < end:
        rows = finished(state)
        if not few_mib and len(rows) >= max(1, scans // 5):
            few_mib = service.peak_mib()
        if len(rows) == scans:
            return rows, few_mib
        time.sleep(0.2)
    raise RuntimeError(f"{len(rows)} of {scans} scans are done")


def finished(state: Path) -> list[dict[str, Any]]:
    """Return the scans that are done."""
    from ichnet.serving.state import State

    looking = State(state, serves=False)
    rows = [dict(row) for row in looking.rows("SELECT * FROM series WHERE state = 'done'")]
    looking.close()
    return rows


if __name__ == "__main__":
    main()
