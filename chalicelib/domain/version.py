"""Versions that enter run keys."""

SCIENCE_VERSION = "2"
"""Raised with every change of the numerics; a frame keeps the version of its first plan until it is reprocessed."""
