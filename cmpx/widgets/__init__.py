"""Live views of a race, of single words and of the runs of a listing, and the questions of the chapters, for JupyterLab."""

from cmpx.widgets.bits import Bits
from cmpx.widgets.predict import Predict
from cmpx.widgets.racer import Racer
from cmpx.widgets.stepper import Stepper

__all__ = ["Bits", "Predict", "Racer", "Stepper"]
