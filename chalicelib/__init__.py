"""Goodman Live: spectra of the Goodman spectrograph, reduced seconds after the shutter closes."""

__version__ = "0.1.0"
