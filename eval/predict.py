"""Predict the external test cohorts with trained models; two CSV files for each model and cohort.

A model is first calibrated on validation scans (see docs/method.md). Classifiers read records;
segmenters and ensembles read the maps cached by models/cache_maps.py.

Example:
    python eval/predict.py --models ensemble-basic ensemble-all
"""

from ichnet.config import save_config
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, predict, say where the predictions are."""
    parser = experiment_parser(__doc__, "config", "records", "run", "seed")
    parser.add_argument(
        "--models", required=True, nargs="+", help="names of trained models, e.g. ensemble-all"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.evaluation.predict_records import predict_model

    config = load_experiment(args)
    run = RunFolder(args.run)
    save_config(config, run.root / "config.yaml")
    for model in args.models:
        predict_model(config, model, args.records, run)
        print(f"predictions: {run.predictions(model)}")


if __name__ == "__main__":
    run_script(main)
