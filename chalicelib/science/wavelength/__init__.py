"""From an arc frame to a wavelength solution."""

from .collapse import collapse_arc
from .lines import ArcSpectrum
from .quality import quality
from .solver import Setup, solve

__all__ = ["ArcSpectrum", "Setup", "collapse_arc", "quality", "solve"]
