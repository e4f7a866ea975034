"""Draw eFigures 1 to 5: input channels, arms, both networks, and weights of the ensemble's members.

The slice shown is the one with the largest outline in the DUMC cohort.

Example:
    python eval/method_figures.py --run runs/phantom
"""

from ichnet.config import SEGMENTERS
from ichnet.runs import TEST_COHORTS, segmenter_name
from ichnet.scripts import load_tensorflow, open_experiment, run_parser, run_script

COHORT, SPLIT, ENSEMBLE = "dumc", "test", "ensemble-all"


def main() -> None:
    """Parse arguments, draw, say where the figures lie."""
    one = open_experiment(run_parser(__doc__).parse_args())
    config, run = one.config, one.run

    load_tensorflow()
    from ichnet.evaluation import method_figures as method
    from ichnet.evaluation.trained import load_best
    from ichnet.records.record_set import RecordSet
    from ichnet.reporting.figures import architecture, slice_figures
    from ichnet.reporting.figures.style import write_figure

    shown = method.largest_lesion(RecordSet.open(one.records / COHORT), SPLIT)
    backbone = config.classifiers.backbones[0]
    unet = load_best(run, segmenter_name("all"))
    weight_model = load_best(run, ENSEMBLE)
    members = [f"map of {name}" for name in config.ensembles.combinations["all"]]
    arms = [slice_figures.ArmMap(*one) for one in method.arm_maps(config, backbone, shown, run)]
    stages = [architecture.Stage(*one) for one in method.unet_stages(unet)]
    weights = method.weights_by_kind(config, ENSEMBLE, TEST_COHORTS, run)
    slices = sum(len(values) for values in weights.values())
    figures = {
        "efigure1": (
            slice_figures.draw_channels(shown.hu, config.image.windows),
            f"{slice_figures.CHANNELS_TITLE}. Slice level; n = 1 slice, {config.image.matrix} x "
            f"{config.image.matrix}; each window is clipped to [0, 1].",
        ),
        "efigure2": (
            slice_figures.draw_arms(shown.hu, shown.outline, arms),
            f"{slice_figures.ARMS_TITLE}. Slice level; n = 1 slice, {backbone}. "
            "Red: positive evidence of the last feature map, scaled to the slice; orange: the "
            "outline, which only the strong arm was trained with; p: the slice's score.",
        ),
        "efigure3": (
            architecture.draw_unet(stages),
            f"{architecture.UNET_TITLE}. n = {len(SEGMENTERS)} segmenters of one shape. "
            f"Each bar is an Inception module: its matrix, channels "
            f"and parameters with those of the transposed convolution before it; "
            f"{unet.count_params():,} parameters in all. Grey: skip connections.",
        ),
        "efigure4": (
            architecture.draw_weight_model(members, method.weight_steps(weight_model)),
            f"{architecture.WEIGHT_MODEL_TITLE}. n = {len(members)} maps. "
            f"{weight_model.count_params():,} parameters; the "
            f"threshold is {config.ensembles.pixel_threshold:g}; its gradient is passed straight "
            "through.",
        ),
        "efigure5": (
            slice_figures.draw_weights(weights, list(config.ensembles.combinations["all"])),
            f"{slice_figures.WEIGHTS_TITLE}. Slice level; {slices:,} test slices with known "
            f"labels, {ENSEMBLE}. Boxes: quartiles; whiskers: 1.5 interquartile ranges; dashed: "
            "equal weights.",
        ),
    }
    for name, (figure, caption) in figures.items():
        for path in write_figure(figure, run.figures, name, caption):
            print(path)


if __name__ == "__main__":
    run_script(main)
