"""What is exposed: the night's instrument, and the exposures in the order they are taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np

from chalicelib.domain.instrument import ReadoutMode

from .detector import REGIONS, Region
from .optics import ARCSEC_PER_PIXEL, LineSpread, Optics, SlitImage
from .sky import Sky
from .sources import Source

#: Collecting area of the 4.1 m mirror less its obstruction, cm2.
AREA = 1.15e5


@dataclass(frozen=True)
class Night:
    """What stays the same all night.

    Attributes
    ----------
    seed : int
        Everything random derives from it.
    evening : date
        Local civil date of the evening.
    camera : str
        ``"Red"`` or ``"Blue"``.
    readout : ReadoutMode
    region : Region
        Read out in spectroscopy.
    binning, arc_binning : (int, int)
    slit : float
        Arcsec.
    optics : Optics
        Without flexure.
    peak_throughput : float
        Of telescope, spectrograph and detector together at the best wavelength.
    cosmic_rays : bool
    arc_style : str
        ``"laboratory"``: each laboratory line at its exact place; ``"library"``: the published lamp spectrum itself,
        moved to where its (imperfect) solution says.
    """

    seed: int
    evening: date
    camera: str
    readout: ReadoutMode
    region: Region
    binning: tuple[int, int]
    arc_binning: tuple[int, int]
    slit: float
    optics: Optics
    peak_throughput: float = 0.24
    cosmic_rays: bool = True
    arc_style: str = "laboratory"

    @cached_property
    def slit_image(self) -> SlitImage:
        """The slit's transmission along its height, with the burrs of this night."""
        rng = np.random.default_rng([self.seed, 31])
        bumps = tuple(
            (float(rng.uniform(-740, 740)), float(rng.uniform(4, 14)), float(rng.uniform(0.01, 0.06))) for _ in range(7)
        )
        return SlitImage(bumps=bumps, slope=float(rng.normal(0, 0.015)))

    @property
    def line_spread(self) -> LineSpread:
        """Of the night's slit."""
        return LineSpread.of_slit(self.slit)

    def throughput(self, wavelength: np.ndarray) -> np.ndarray:
        """Fraction of the photons that become electrons at air ``wavelength`` (Angstrom), atmosphere excluded."""
        mode = self.optics.mode
        middle = float(self.optics.wavelength(2070.5))
        span = float(np.ptp(self.optics.wavelength([50.0, 4110.0])))
        blaze = np.exp(-0.5 * ((wavelength - middle) / (0.55 * span + 600.0)) ** 2)
        if self.camera == "Red":
            efficiency = 0.95 / (1 + np.exp(-(wavelength - 3900) / 300)) / (1 + np.exp((wavelength - 9700) / 350))
        else:
            efficiency = 0.88 / (1 + np.exp(-(wavelength - 3300) / 150)) / (1 + np.exp((wavelength - 8600) / 450))
        total = self.peak_throughput * blaze * efficiency
        digits = "".join(c for c in mode.blocking_filter if c.isdigit())
        if digits:
            total = total * 0.92 / (1 + np.exp(-(wavelength - 10.0 * float(digits)) / 25.0))
        return total / (1 + np.exp(-(wavelength - 3250.0) / 60.0))


@dataclass(frozen=True)
class Trace:
    """Where a target's light falls: unbinned row as a cubic in (column - 2070.5) / 2000, and its seeing."""

    coefficients: tuple[float, float, float, float]
    fwhm: float

    def row(self, column) -> np.ndarray:
        """Unbinned detector row at unbinned detector column(s)."""
        x = (np.asarray(column, dtype=float) - 2070.5) / 2000.0
        c0, c1, c2, c3 = self.coefficients
        return c0 + x * (c1 + x * (c2 + x * c3))

    def width(self, wavelength) -> np.ndarray:
        """Full width at half maximum, unbinned rows, at air wavelength(s): Kolmogorov's -1/5 power."""
        return self.fwhm * (np.asarray(wavelength, dtype=float) / 5500.0) ** -0.2


@dataclass(frozen=True)
class Pointing:
    """Where the telescope looks: degrees, airmass; calibrations have the parked telescope's."""

    ra: float
    dec: float
    airmass: float
    position_angle: float = 0.0


@dataclass(frozen=True)
class Exposure:
    """One shutter opening (or none). ``kind``: bias, flat, arc, science, standard, image or focus."""

    night: Night
    number: int
    kind: str
    name: str
    object: str
    start: datetime
    seconds: float
    pointing: Pointing
    proposal: str = "calibrate"
    observation: int | None = None
    configuration: int | None = None
    block: int | None = None
    image: int | None = None
    lamps: tuple[str, ...] = ()
    targets: tuple[Source, ...] = ()
    traces: tuple[Trace, ...] = ()
    sky: Sky = Sky()
    shift: float = 0.0
    stretch: float = 0.0
    row_shift: float = 0.0
    filter: str = "NO_FILTER"
    seeing: float = 0.9
    expected: str = "done"

    @property
    def obstype(self) -> str:
        """As the OBSTYPE card has it."""
        return {
            "bias": "BIAS",
            "flat": "LAMPFLAT",
            "arc": "ARC",
            "science": "SPECTRUM",
            "standard": "SPECTRUM",
            "image": "EXPOSE",
            "focus": "FOCUS",
        }[self.kind]

    @property
    def region(self) -> Region:
        """What is read out."""
        return REGIONS["imaging"] if self.kind == "image" else self.night.region

    @property
    def binning(self) -> tuple[int, int]:
        """Unbinned columns and rows a pixel."""
        return self.night.arc_binning if self.kind in ("arc", "focus") else self.night.binning

    @property
    def optics(self) -> Optics:
        """The light path with this exposure's flexure: the true wavelengths."""
        return self.night.optics.flexed(self.shift, self.stretch)

    @property
    def slit_area(self) -> float:
        """Square arcsec of sky that one unbinned row sees."""
        return self.night.slit * ARCSEC_PER_PIXEL

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of this exposure's own, one for each ``purpose``."""
        return np.random.default_rng([self.night.seed, 1000 + self.number, purpose])
