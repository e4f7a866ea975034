"""Export a trained model as a SavedModel that takes HU and loads without ichnet.

Example:
    python models/export.py --model ensemble-all
"""

import argparse

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script


def main() -> None:
    """Parse arguments, export, say where the SavedModel is."""
    parser = run_parser(__doc__)
    parser.add_argument("--model", required=True, help="name of a trained model, e.g. ensemble-all")
    parser.add_argument(
        "--version", type=_version, metavar="N", help="version number (default: latest + 1)"
    )
    parser.add_argument(
        "--replace", action="store_true", help="overwrite --version if it exists already"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.deployment.export import export_model
    from ichnet.evaluation.calibrate import calibration_of
    from ichnet.evaluation.predict_records import predicted_with
    from ichnet.evaluation.trained import load_trained, members_of_model
    from ichnet.reporting.measures.metrics import model_metrics

    one = open_experiment(args)
    config, run = one.config, one.run
    folder = run.export(args.model, args.version or run.next_version(args.model))
    calibration = calibration_of(config, args.model, one.records, run)
    current = predicted_with(run.predictions(args.model), calibration)
    export_model(
        load_trained(config, args.model, run),
        args.model,
        config,
        calibration,
        folder,
        members=members_of_model(config, args.model),
        figures=model_metrics(run, args.model, config) if current else {},
        replace=args.replace,
    )
    print(f"SavedModel: {folder}")


def _version(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("versions are numbered from 1")
    return number


if __name__ == "__main__":
    run_script(main)
