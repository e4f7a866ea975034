"""Fit the baselines of the networks: a threshold on HU, and least-squares weights of maps.

The threshold is fitted on AI-Hub's training scans; the weights on the maps that the weight models
learn from (models/cache_maps.py).

Example:
    python models/fit_baselines.py --run runs/phantom
"""

from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script

FITS = ("threshold", "weights")


def main() -> None:
    """Parse arguments, fit, say where the fits lie."""
    parser = run_parser(__doc__)
    parser.add_argument("--only", choices=FITS, help="fit only one of the two (default: both)")
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.baselines import fit_threshold, fit_weights

    one = open_experiment(args)
    if args.only != "weights":
        print(f"fitted: {fit_threshold(one.records, one.run)}")
    if args.only != "threshold":
        print(f"fitted: {fit_weights(one.config, one.run)}")


if __name__ == "__main__":
    run_script(main)
