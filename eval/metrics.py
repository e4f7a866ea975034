"""Write metrics.json: all measures of a run's predictions, which tables, figures and report use.

    python eval/metrics.py --run runs/phantom

Needs no TensorFlow. Prints the path of the file, which is kept when it is up to date.
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.measures.metrics import load_metrics
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(experiment_parser(__doc__, "run").parse_args().run)
    load_metrics(run, load_config(run.root / "config.yaml"))
    print(run.root / "metrics.json")


if __name__ == "__main__":
    run_script(main)
