"""What the package offers by name, and that nothing of TensorFlow comes with it."""

from __future__ import annotations

import subprocess
import sys

import ichnet.statistics


def test_every_public_name_is_there_and_in_order():
    names = ichnet.statistics.__all__
    assert names == sorted(names)
    assert all(callable(getattr(ichnet.statistics, name)) for name in names)


def test_it_loads_neither_tensorflow_nor_scipy_stats():
    code = (
        "import sys, ichnet.statistics; "
        "print(sorted({'tensorflow', 'keras', 'scipy.stats', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
