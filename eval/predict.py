"""Predict the external test cohorts with trained models; two CSV files for each model and cohort.

The models are calibrated before (models/calibrate.py), or first, with --calibrate. Classifiers and
the threshold read records; segmenters, baselines and ensembles read the maps cached by
models/cache_maps.py.

Exit code: 0, or with --calibrate the exit code of models/calibrate.py: 3 when all is done, but a
model is not distinguishable from chance; 2 when something failed.

Example:
    python eval/predict.py --calibrate --models ensemble-basic ensemble-all
"""

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, predict, say where the predictions are."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--models", required=True, nargs="+", help="names of trained models, e.g. ensemble-all"
    )
    parser.add_argument(
        "--calibrate", action="store_true", help="calibrate the models first, where not up to date"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.calibrate import calibrate_models
    from ichnet.evaluation.predict_records import predict_model

    one = open_experiment(args)
    exit_code = calibrate_models(one, args.models) if args.calibrate else 0
    for model in args.models:
        predict_model(one.config, model, one.records, one.run)
        print(f"predictions: {one.run.predictions(model)}")
    raise SystemExit(exit_code)


if __name__ == "__main__":
    run_script(main)
