"""Write metrics.json: every model's figures on every test set, for other programs.

    python eval/metrics.py --run runs/phantom

Needs no TensorFlow. Prints where the file lies.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.metrics import write_metrics
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    print(write_metrics(run, load_config(run.root / "config.yaml")))


if __name__ == "__main__":
    run_script(main)
