"""From an arc frame to a wavelength solution."""

from .bracket import Arc, Bracket, combine
from .collapse import collapse_arc
from .lines import ArcSpectrum
from .quality import quality
from .solver import Setup, solve

__all__ = ["Arc", "ArcSpectrum", "Bracket", "Setup", "collapse_arc", "combine", "quality", "solve"]
