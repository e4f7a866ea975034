"""Write the contrasts that the configuration names, over the seeds there are: table and figure.

    python eval/contrasts.py --run runs/phantom

Needs no TensorFlow. Prints where they lie (CSV, Markdown, HTML, LaTeX; PNG, SVG).
"""

from __future__ import annotations

from ichnet.config import load_config
from ichnet.reporting.figures.forest import draw_forest
from ichnet.reporting.figures.style import write_figure
from ichnet.reporting.tables.contrasts import contrasts_table
from ichnet.reporting.tables.files import write_table
from ichnet.runs import RunFolder
from ichnet.scripts import run_parser, run_script


def main() -> None:
    """Run the script."""
    run = RunFolder(run_parser(__doc__).parse_args().run)
    table = contrasts_table(run, load_config(run.config))
    figure = write_figure(draw_forest(table), run.figures, table.name, table.caption)
    for path in (*write_table(table, run.tables), *figure):
        print(path)


if __name__ == "__main__":
    run_script(main)
