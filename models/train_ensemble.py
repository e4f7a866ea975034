"""Train the weight model of one combination of segmenters (paper section 2.3).

It reads the members' maps, cached by models/cache_maps.py, of scans that no member trained on.

Example:
    python models/train_ensemble.py --combination all
"""

from ichnet.runs import RunFolder, ensemble_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the model is."""
    parser = experiment_parser(__doc__, "config", "run", "seed")
    parser.add_argument(
        "--combination",
        required=True,
        help="name of a combination in the configuration's ensembles.combinations",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.ensemble import train_ensemble

    run = RunFolder(args.run)
    train_ensemble(load_experiment(args), args.combination, run)
    print(f"trained: {run.best(ensemble_name(args.combination))}")


if __name__ == "__main__":
    run_script(main)
