"""A lamp along a target's trace, as a spectrum like any other."""

from __future__ import annotations

import numpy as np

from .frame import Geometry
from .spectrum import Spectrum
from .wavelength import ArcSpectrum


def lamp_spectrum(lamp: ArcSpectrum, geometry: Geometry, beside: Spectrum) -> Spectrum:
    """The collapsed lamp in the form of an extracted spectrum.

    Parameters
    ----------
    lamp : ArcSpectrum
        (n,) electrons per pixel along the trace.
    geometry : Geometry
        Of the *arc's* frame; its raw columns are those of the result.
    beside : Spectrum
        The science spectrum whose trace and apertures were followed.

    Returns
    -------
    Spectrum
        ``flux`` and ``flux_box`` are the lamp (mean electrons per pixel of the rows used), ``sky`` is zero.
    """
    whole = Geometry(binning=geometry.binning, roi_origin=geometry.roi_origin)
    flux = lamp.flux.astype(np.float32)
    error = np.sqrt(np.maximum(lamp.variance, 0)).astype(np.float32)
    nothing = np.zeros_like(flux)
    good = error > 0
    ratio = flux[good] / error[good]
    return Spectrum(
        column=np.rint(whole.column(lamp.column)),
        flux=flux,
        error=error,
        flux_box=flux,
        error_box=error,
        sky=nothing,
        sky_error=nothing,
        mask=lamp.mask.astype(np.uint8),
        geometry=whole,
        trace=beside.trace,
        apertures=beside.apertures,
        target=beside.target,
        method=beside.method,
        signal_to_noise=float(np.median(ratio)) if ratio.size else float("nan"),
    )
