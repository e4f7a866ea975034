"""Pre-train Model 2's down-sampling path on the subtype labels of slices (paper section 2.2).

Example:
    python models/pretrain_encoder.py --config models/phantom.yaml
"""

from ichnet.runs import RunFolder, fold_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the encoder is."""
    parser = experiment_parser(__doc__, "config", "records", "run", "seed")
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="leave out the patients of fold K (1, 2, ...), for out-of-fold maps",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.segmenter import ENCODER, pretrain_encoder

    config, run = load_experiment(args), RunFolder(args.run)
    pretrain_encoder(config, args.records, run, args.fold)
    print(f"trained: {run.best(fold_name(ENCODER, args.fold, config.ensembles.folds))}")


if __name__ == "__main__":
    run_script(main)
