"""Pre-train the encoder of Model 2 on the subtype labels of slices (paper section 2.2).

Example:
    python models/pretrain_encoder.py --config models/phantom.yaml
"""

from ichnet.runs import ENCODER, fold_name
from ichnet.scripts import begin_experiment, load_tensorflow, run_script, training_parser


def main() -> None:
    """Parse arguments, train, say where the encoder is."""
    parser = training_parser(__doc__)
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="leave out the patients of fold K (1, 2, ...), for out-of-fold maps",
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.segmenter import pretrain_encoder

    experiment = begin_experiment(args)
    config, run = experiment.config, experiment.run
    pretrain_encoder(config, experiment.records, run, args.fold)
    print(f"trained: {run.best(fold_name(ENCODER, args.fold, config.ensembles.folds))}")


if __name__ == "__main__":
    run_script(main)
