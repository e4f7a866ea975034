"""Hemorrhages in 3-D: one module a family, each of which answers four questions.

* ``place``: where is it? Centres and extent, drawn from the lesion's own seed.
* ``level``: where does blood go first? A function of place that is small there.
* ``room``: what may be filled? Ventricles, cisterns, brain, or what is below the vault.
* ``paint``: how does it look? The share of each pixel that blood fills, and its density.

A lesion is the part of its room where the level function is below a number. ``fill`` finds the
number that gives the lesion its volume, on a grid of the part of the head that it may reach. The
lesion itself has no grid: a section evaluates the same functions at its own pixels.
"""
