"""Live views of a race, of words, of cache lines and of the runs of a listing, and the questions of the chapters."""

from cmpx.widgets.bits import Bits
from cmpx.widgets.mesi import Mesi
from cmpx.widgets.predict import Predict
from cmpx.widgets.racer import Racer
from cmpx.widgets.stepper import Stepper

__all__ = ["Bits", "Mesi", "Predict", "Racer", "Stepper"]
