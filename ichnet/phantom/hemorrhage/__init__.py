"""Hemorrhages in 3-D, one module for each family of subtypes, each with the same functions.

* ``place`` draws centres and extents from the lesion's own seed.
* ``level`` is a function of position; blood fills positions with low values first.
* ``room`` is the space that blood may fill: ventricles, cisterns, brain, or below the vault.
* ``paint`` returns the share of each pixel that blood fills, and sets its density.

A lesion is the part of its room where the level function is below a threshold, as in a level-set
method. ``fill`` finds the threshold that gives the lesion its volume, on a temporary grid around
the lesion. Slices evaluate the same functions at their own pixels.
"""
