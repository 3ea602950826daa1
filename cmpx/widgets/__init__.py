"""Live views of a race, of single words and of the runs of a listing, for JupyterLab."""

from cmpx.widgets.bits import Bits
from cmpx.widgets.racer import Racer
from cmpx.widgets.stepper import Stepper

__all__ = ["Bits", "Racer", "Stepper"]
