"""ichnet: intracranial hemorrhage detection with weak and strong annotation and ensembles.

The package follows one direction of flow, a room for each step::

    ct -> cohorts, phantom -> records -> networks, training -> evaluation -> statistics -> reporting
    a trained model -> deployment

Importing :mod:`ichnet` loads nothing else, in particular not TensorFlow.
"""

__version__ = "0.1.0"
