"""A two-dimensional frame with its variance, mask and place on the detector."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag

import numpy as np
from astropy.io import fits


class MaskBit(IntFlag):
    """Bits of every ``MASK`` plane and column."""

    BAD = 1
    SATURATED = 2
    COSMIC_RAY = 4
    NO_FLAT = 8
    OUTSIDE_SLIT = 16


@dataclass(frozen=True)
class Detector:
    """How the pixels were read out.

    Attributes
    ----------
    camera : str
        ``"Red"`` or ``"Blue"``.
    gain : float
        Electrons per ADU.
    read_noise : float
        Electrons.
    saturation : float
        ADU from which a pixel is saturated: the full well or the converter's limit.
    binning : (int, int)
        Unbinned pixels per pixel along columns (serial, dispersion) and rows (parallel, spatial).
    roi_origin : (int, int)
        Unbinned detector (column, row) of the raw frame's pixel (0, 0); zeros where the header does not say.
    half_full_well : float, optional
        ADU above which a flat's pixels are counted as too bright; without it ``saturation`` serves.
    """

    camera: str
    gain: float
    read_noise: float
    saturation: float
    binning: tuple[int, int] = (1, 1)
    roi_origin: tuple[int, int] = (0, 0)
    half_full_well: float | None = None


@dataclass(frozen=True)
class Geometry:
    """Where an array sits: the one place that knows about binning and trimming.

    Pixel centres of a frame binned by ``b`` lie at ``b * i + (b - 1) / 2`` unbinned pixels.

    Attributes
    ----------
    binning : (int, int)
        Serial (columns) and parallel (rows) binning.
    corner : (int, int)
        0-based (column, row) in the raw frame of the array's element ``[0, 0]``.
    roi_origin : (int, int)
        Unbinned detector (column, row) of the raw frame's pixel (0, 0).
    """

    binning: tuple[int, int] = (1, 1)
    corner: tuple[int, int] = (0, 0)
    roi_origin: tuple[int, int] = (0, 0)

    def detector_column(self, column):
        """Unbinned detector column of array column(s) ``column`` (0-based, may be fractional)."""
        b = self.binning[0]
        return self.roi_origin[0] + b * (np.asarray(column) + self.corner[0]) + (b - 1) / 2

    def detector_row(self, row):
        """Unbinned detector row of array row(s) ``row`` (0-based, may be fractional)."""
        b = self.binning[1]
        return self.roi_origin[1] + b * (np.asarray(row) + self.corner[1]) + (b - 1) / 2

    def column(self, detector_column):
        """Array column(s) of unbinned detector column(s): the inverse of :meth:`detector_column`."""
        b = self.binning[0]
        return (np.asarray(detector_column) - self.roi_origin[0] - (b - 1) / 2) / b - self.corner[0]

    def row(self, detector_row):
        """Array row(s) of unbinned detector row(s): the inverse of :meth:`detector_row`."""
        b = self.binning[1]
        return (np.asarray(detector_row) - self.roi_origin[1] - (b - 1) / 2) / b - self.corner[1]

    def cut(self, column: int, row: int) -> Geometry:
        """The geometry of ``array[row:, column:]``."""
        return replace(self, corner=(self.corner[0] + column, self.corner[1] + row))


@dataclass(frozen=True)
class RawFrame:
    """Pixels as read out.

    Attributes
    ----------
    data : (ny, nx) float32
        ADU; the whole raw frame, prescan and overscan included; a single-plane cube is flattened.
    header : astropy.io.fits.Header
        The raw cards (non-ASCII bytes replaced).
    """

    data: np.ndarray
    header: fits.Header


@dataclass(frozen=True)
class Frame:
    """A frame on its way through the pipeline.

    Attributes
    ----------
    data : (ny, nx) float32
        Electrons.
    variance : (ny, nx) float32
        Electrons squared.
    mask : (ny, nx) uint8
        :class:`MaskBit` flags.
    geometry : Geometry
        Where the array lies in the raw frame and on the detector.
    header : astropy.io.fits.Header
        Raw cards plus GSP_* keywords so far.
    """

    data: np.ndarray
    variance: np.ndarray
    mask: np.ndarray
    geometry: Geometry = Geometry()
    header: fits.Header = field(default_factory=fits.Header)

    @property
    def shape(self) -> tuple[int, int]:
        return self.data.shape  # type: ignore[return-value]

    def with_data(self, **changes) -> Frame:
        """A copy with some attributes replaced."""
        return replace(self, **changes)
