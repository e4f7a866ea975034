"""Export a trained model as a SavedModel that takes HU and loads without ichnet.

Example:
    python models/export.py --model ensemble-all
"""

from ichnet.config import load_config
from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, export, say where the SavedModel is."""
    parser = experiment_parser(__doc__, "config", "run")
    parser.add_argument("--model", required=True, help="e.g. ensemble-all")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.inference.export import export_model
    from ichnet.inference.scan_score import read_calibration
    from ichnet.inference.trained import load_trained, members_of_model

    config = load_config(args.config)
    run = RunFolder(args.run)
    export_model(
        load_trained(config, args.model, run),
        args.model,
        config,
        read_calibration(run.calibration(args.model)),
        run.export(args.model),
        members=members_of_model(config, args.model),
    )
    print(f"SavedModel: {run.export(args.model)}")


if __name__ == "__main__":
    run_script(main)
