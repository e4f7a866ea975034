"""Train one classifier of experiment A: one backbone in one arm.

The weak arms learn from the presence of hemorrhage on a slice; the strong arm also from where it
is, by a loss between the network's saliency map and the outline (paper section 1.4).

Example:
    python models/train_classifier.py --backbone MobileNetV2 --arm aihub-strong
"""

from ichnet.config import ARMS, BACKBONES
from ichnet.runs import classifier_name
from ichnet.scripts import begin_experiment, load_tensorflow, run_script, training_parser


def main() -> None:
    """Parse arguments, train, say where the model is."""
    parser = training_parser(__doc__)
    parser.add_argument("--backbone", required=True, choices=BACKBONES, help="the network")
    parser.add_argument(
        "--arm", required=True, choices=ARMS, help="training data and kind of annotation"
    )
    args = parser.parse_args()

    load_tensorflow()
    from ichnet.training.classifier import train_classifier

    one = begin_experiment(args)
    train_classifier(one.config, args.backbone, args.arm, one.records, one.run)
    print(f"trained: {one.run.best(classifier_name(args.backbone, args.arm))}")


if __name__ == "__main__":
    run_script(main)
