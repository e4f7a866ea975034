"""Every cohort of a record set has a reader."""

from __future__ import annotations

import subprocess
import sys

from ichnet.cohorts.readers import READERS
from ichnet.runs import RECORD_SETS


def test_every_record_set_has_a_reader():
    assert {name.split("-")[0] for name in RECORD_SETS} <= set(READERS)


def test_readers_do_not_need_tensorflow():
    code = (
        "import sys, ichnet.cohorts.readers, ichnet.cohorts.selection, ichnet.cohorts.splits;"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
