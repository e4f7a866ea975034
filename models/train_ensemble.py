"""Train the weight models of combinations of segmenters (paper section 2.3).

It reads the members' maps, cached by models/cache_maps.py, of scans that no member trained on.

Example:
    python models/train_ensemble.py --combination basic all
"""

from ichnet.runs import ensemble_name
from ichnet.scripts import begin_experiment, load_tensorflow, run_script, training_parser


def main() -> None:
    """Parse arguments, train, say where the models are."""
    parser = training_parser(__doc__)
    parser.add_argument(
        "--combination",
        required=True,
        nargs="+",
        help="names of combinations in the configuration's ensembles.combinations",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.ensemble import train_ensemble

    one = begin_experiment(args)
    for combination in args.combination:
        train_ensemble(one.config, combination, one.run)
        print(f"trained: {one.run.best(ensemble_name(combination))}")


if __name__ == "__main__":
    run_script(main)
