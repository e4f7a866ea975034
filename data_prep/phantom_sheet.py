"""Draw contact sheets of the phantom: hemorrhages, mimics, sites.

Example:
    python data_prep/phantom_sheet.py --output docs/images
"""

import argparse
from pathlib import Path

from ichnet.phantom.contact_sheet import lesion_tiles, mimic_tiles, site_tiles, write_sheet
from ichnet.scripts import run_script

SHEETS = {"hemorrhages": lesion_tiles, "mimics": mimic_tiles, "sites": site_tiles}


def main() -> None:
    """Parse arguments, draw each sheet, say where it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder to write the pictures to"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=2023,
        help="random seed of the heads (default: 2023)",
    )
    parser.add_argument(
        "--matrix",
        type=int,
        default=256,
        help="rows and columns of each slice (default: 256)",
    )
    args = parser.parse_args()
    for name, tiles in SHEETS.items():
        path = args.output / f"phantom-{name}.png"
        write_sheet(list(tiles(args.seed, args.matrix)), path)
        print(path)


if __name__ == "__main__":
    run_script(main)
