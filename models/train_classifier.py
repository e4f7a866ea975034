"""Train one classifier of experiment A: one backbone in one arm.

The weak arms learn from the presence of hemorrhage on a slice; the strong arm also from where it
is, by a loss between the network's saliency map and the outline (paper section 1.4).

Example:
    python models/train_classifier.py --backbone MobileNetV2 --arm aihub-strong
"""

from ichnet.config import ARMS, BACKBONES
from ichnet.runs import RunFolder, classifier_name
from ichnet.scripts import experiment_parser, load_experiment, load_tensorflow, run_script


def main() -> None:
    """Parse arguments, train, say where the model is."""
    parser = experiment_parser(__doc__, "config", "records", "run", "seed")
    parser.add_argument("--backbone", required=True, choices=BACKBONES, help="the network")
    parser.add_argument(
        "--arm", required=True, choices=ARMS, help="training data and kind of annotation"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.classifier import train_classifier

    run = RunFolder(args.run)
    train_classifier(load_experiment(args), args.backbone, args.arm, args.records, run)
    print(f"trained: {run.best(classifier_name(args.backbone, args.arm))}")


if __name__ == "__main__":
    run_script(main)
