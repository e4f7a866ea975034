"""Pre-train Model 2's down-sampling path on the subtype labels of slices (paper section 2.2).

Example:
    python models/pretrain_encoder.py --config models/phantom.yaml
"""

from ichnet.runs import RunFolder
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the encoder is."""
    args = experiment_parser(__doc__, "config", "records", "run", "seed").parse_args()

    load_tensorflow()
    from ichnet.training.segmenter import ENCODER, pretrain_encoder

    run = RunFolder(args.run)
    pretrain_encoder(load_experiment(args), args.records, run)
    print(f"trained: {run.best(ENCODER)}")


if __name__ == "__main__":
    run_script(main)
