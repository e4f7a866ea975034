"""Run the demonstration with several seeds and tabulate what its ensemble and classifiers reach.

A seed draws other heads, other slices and other weights. Each run is kept under
`runs/phantom-seed<N>`, so that a second call only reads.

    python benchmarks/demo_seeds.py --seeds 2023 1 2

The last line is one JSON object: by seed `auc`, `sensitivity` and `specificity` by scan of the
ensemble of five, AUC of each classifier, and `minutes` (of a run that was not there before).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ichnet.config import BACKBONES, load_config
from ichnet.reporting.measures.metrics import Metrics, load_metrics
from ichnet.runs import RunFolder, ensemble_name

ROOT = Path(__file__).parents[1]
ENSEMBLE = ensemble_name("all")


def main() -> None:
    """Run, read, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[2023, 1, 2], metavar="N")
    parser.add_argument("--cores", type=int, default=2, metavar="N")
    args = parser.parse_args()
    result = {str(seed): figures_of(seed, args.cores) for seed in args.seeds}
    print("| seed | ensemble: AUC | sensitivity | specificity | classifiers: AUC | minutes |")
    print("| --- | --- | --- | --- | --- | --- |")
    for seed, row in result.items():
        others = ", ".join(f"{name} {auc:.3f}" for name, auc in row["classifiers"].items())
        minutes = "" if row["minutes"] is None else f"{row['minutes']:.1f}"
        print(
            f"| {seed} | {row['auc']:.3f} ({row['low']:.3f}–{row['high']:.3f}) | "
            f"{row['sensitivity']:.3f} | {row['specificity']:.3f} | {others} | {minutes} |"
        )
    print(json.dumps(result))


def figures_of(seed: int, cores: int) -> dict[str, Any]:
    """Run the demonstration with one seed, unless it was run, and return its figures."""
    name = f"phantom-seed{seed}"
    config_path = ROOT / "work" / f"{name}.yaml"
    text = (ROOT / "models" / "phantom.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^name: .*$", f"name: {name}", text, flags=re.MULTILINE)
    text = re.sub(r"^seed: .*$", f"seed: {seed}", text, flags=re.MULTILINE)
    config_path.parent.mkdir(exist_ok=True)
    config_path.write_text(text, encoding="utf-8")
    run = ROOT / "runs" / name
    before, start = (run / "report.html").exists(), time.perf_counter()
    snakemake = [sys.executable, "-m", "snakemake", "all", "--cores", str(cores)]
    # the rules call `python`: the one of this environment
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [*snakemake, "--configfile", str(config_path), "--quiet", "rules"],
        cwd=ROOT,
        check=True,
        env={**os.environ, "PATH": path},
    )
    minutes = None if before else (time.perf_counter() - start) / 60
    return {**_read(load_metrics(RunFolder(run), load_config(config_path))), "minutes": minutes}


def _read(metrics: Metrics) -> dict[str, Any]:
    models = metrics.of("scan").models
    ensemble = models[ENSEMBLE]
    return {
        "auc": ensemble.auc.value,
        "low": ensemble.auc.low,
        "high": ensemble.auc.high,
        "sensitivity": ensemble.sensitivity.value,
        "specificity": ensemble.specificity.value,
        "classifiers": {
            name: one.auc.value for name, one in models.items() if name.startswith(BACKBONES)
        },
    }


if __name__ == "__main__":
    main()
