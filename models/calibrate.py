"""Calibrate trained models: from slice scores to a probability of the scan.

The pooling of slice scores is chosen, and the probability fitted, on validation scans of AI-Hub.
Classifiers and the threshold read records; segmenters, baselines and ensembles the maps cached by
models/cache_maps.py.

Exit code: 0 when every model was calibrated; 3 when all is done, but a model is not distinguishable
from chance and therefore not calibrated (one line for each); 2 when something failed.

Example:
    python models/calibrate.py --models ensemble-basic ensemble-all
"""

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, calibrate, say where the calibrations are and which models have none."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--models", required=True, nargs="+", help="names of trained models, e.g. ensemble-all"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.calibrate import calibrate_models

    raise SystemExit(calibrate_models(open_experiment(args), args.models))


if __name__ == "__main__":
    run_script(main)
