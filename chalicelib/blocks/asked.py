"""ASKED: what somebody waits for. Every stage that is due on a subject, one after the other, in one function."""

from __future__ import annotations

from ..domain import plan, topology
from . import combine, driver, extract, reduce, wavelength


def handle(subject: str) -> str:
    """Look at a frame or pool and do all that is due."""
    runs: dict[str, driver.Run] = {
        plan.BIAS_STAGE: combine.make_bias,
        plan.FLAT_STAGE: combine.make_flat,
        plan.REDUCE: reduce.make_reduced,
        plan.EXTRACT: extract.make_spectra,
        plan.WAVELENGTH: wavelength.make_calibrated,
    }
    return driver.work(topology.ASKED, subject, runs)
