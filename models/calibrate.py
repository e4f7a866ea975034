"""Calibrate trained models: from a scan's score to a probability, on AI-Hub's validation scans.

Classifiers and the threshold read records; segmenters, baselines and ensembles read the maps
cached by models/cache_maps.py.

Example:
    python models/calibrate.py --models ensemble-basic ensemble-all
"""

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, calibrate, say where the calibrations are."""
    parser = run_parser(__doc__)
    parser.add_argument("--models", required=True, nargs="+", help="e.g. ensemble-all")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.calibrate import calibrate_model

    one = open_experiment(args)
    for model in args.models:
        print(f"calibration: {calibrate_model(one.config, model, one.records, one.run)}")


if __name__ == "__main__":
    run_script(main)
