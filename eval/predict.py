"""Predict the external test cohorts with trained models; two CSV files for each model and cohort.

The models are calibrated (models/calibrate.py). Classifiers and the threshold read records;
segmenters, baselines and ensembles read the maps cached by models/cache_maps.py.

Example:
    python eval/predict.py --models ensemble-basic ensemble-all
"""

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, predict, say where the predictions are."""
    parser = run_parser(__doc__)
    parser.add_argument(
        "--models", required=True, nargs="+", help="names of trained models, e.g. ensemble-all"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.predict_records import predict_model

    one = open_experiment(args)
    for model in args.models:
        predict_model(one.config, model, one.records, one.run)
        print(f"predictions: {one.run.predictions(model)}")


if __name__ == "__main__":
    run_script(main)
