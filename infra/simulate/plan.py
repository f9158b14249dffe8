"""The observing plan of a night: which exposures, of what, when, in the order they are taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from .detector import REGIONS, find_readout
from .exposure import Exposure, Night, Pointing, Trace
from .header import LATITUDE, local_sidereal
from .library import open_library
from .modes import Mode, find_mode
from .optics import SLIT_MIDDLE, Optics
from .sky import Sky
from .sources import Source

ARC_SECONDS = {"HGA": 2.0, "NE": 3.0, "AR": 5.0, "FE": 90.0, "CU": 90.0}
PARKED_AIRMASS = 1.66
STAR_KINDS = ("supernova", "star", "galaxy", "white dwarf", "star")


def plan_night(
    mode: str = "400_M2",
    camera: str = "Red",
    seed: int = 1,
    *,
    n_bias: int = 10,
    n_flat: int = 10,
    n_science: int = 5,
    n_arc: int = 1,
    exposures_per_target: int = 3,
    n_targets: int | None = None,
    imaging: bool = True,
    standard: bool = True,
    focus: bool = False,
    binning: tuple[int, int] = (2, 2),
    arc_binning: tuple[int, int] | None = None,
    region: str = "full",
    slit: float = 1.0,
    lamps: tuple[str, ...] | None = None,
    arcs: str = "block",
    arc_style: str = "laboratory",
    readout: str | None = None,
    evening: date = date(2026, 8, 14),
    proposals: tuple[str, ...] = ("SOAR2026B-014", "SOAR2026B-022"),
    seconds: float = 600.0,
    magnitude: tuple[float, float] = (15.5, 18.0),
    moon: float = 0.0,
    seeing: float | None = None,
    flexure: float = 1.0,
    shift: float | None = None,
    stretch: float | None = None,
    cosmic_rays: bool = True,
) -> list[Exposure]:
    """Plan a night.

    Parameters
    ----------
    mode : str
        As :func:`~infra.simulate.modes.find_mode` understands it.
    camera : str
        ``"Red"`` or ``"Blue"``.
    seed : int
        The same seed and parameters give the same bytes.
    n_bias, n_flat, n_science : int
        Frames of each kind; science frames come in blocks of ``exposures_per_target`` on one pointing.
    n_arc : int
        Arcs before, and again after, each block (or in the afternoon).
    n_targets : int or None
        Targets in the slit; None = 1, 2, 3 in turn.
    imaging, standard, focus : bool
        An acquisition image before each block; a spectrophotometric standard at dusk; two focus frames.
    arc_binning : (int, int) or None
        Serial and parallel; None = ``binning``.
    region : str
        ``"full"`` or ``"small"`` (400 unbinned rows, quick).
    lamps : tuple of str or None
        LAMP_ keyword endings (``("HGA", "NE")``); None = what observers use in the mode.
    arcs : str
        ``"block"`` = at the target; ``"afternoon"`` = before sunset only, many pixels off, as on some real nights.
    arc_style : str
        ``"laboratory"`` or ``"library"``, see :class:`~infra.simulate.exposure.Night`.
    seconds : float
        Of a science exposure.
    magnitude : (float, float)
        Range of the main targets.
    moon : float
        Moonlight relative to the dark sky.
    seeing : float or None
        Of the night, arcseconds, 0.3 to 6; it breathes by some per cent. None = drawn for each block, 0.7 to 1.4.
    flexure : float
        Scales all flexure; 0 = a rigid instrument.
    shift, stretch : float or None
        Of the night, unbinned pixels and relative; None = drawn (sigma 12 pixels, 0.15 %).

    Returns
    -------
    list of Exposure
        In time order, numbered from 1.

    Raises
    ------
    ValueError
        A mode, camera, lamp or region that does not exist, with those that do.
    """
    if camera not in ("Red", "Blue"):
        raise ValueError(f"There is no camera '{camera}'; there are Red and Blue.")
    if region not in ("full", "small"):
        raise ValueError(f"There is no region '{region}'; there are full and small.")
    if arcs not in ("block", "afternoon") or arc_style not in ("laboratory", "library"):
        raise ValueError("arcs is 'block' or 'afternoon', arc_style 'laboratory' or 'library'.")
    if seeing is not None and not 0.3 <= seeing <= 6:
        raise ValueError(f"A seeing of {seeing:g} arcsec is not between 0.3 and 6.")
    setting = find_mode(mode)
    lamps = lamps or usual_lamps(setting)
    unknown = [lamp for lamp in lamps if lamp not in ARC_SECONDS]
    if unknown:
        raise ValueError(f"There is no lamp {', '.join(unknown)}; there are {', '.join(ARC_SECONDS)}.")
    rng = np.random.default_rng([seed, 71])
    drawn = rng.normal(0, [12.0, 0.0015])
    optics = Optics(
        setting,
        shift=float(drawn[0]) if shift is None else shift,
        stretch=float(drawn[1]) if stretch is None else stretch,
        bend=(float(rng.normal(0, 0.4)), float(rng.normal(0, 0.3))),
        tilt=float(rng.uniform(0.4, 1.0) * rng.choice([-1, 1])),
        curvature=float(rng.uniform(0.2, 0.7) * rng.choice([-1, 1])),
        keystone=float(rng.normal(0, 0.08)),
    )
    night = Night(
        seed=seed,
        evening=evening,
        camera=camera,
        readout=find_readout(camera, readout),
        region=REGIONS[region],
        binning=binning,
        arc_binning=arc_binning or binning,
        slit=slit,
        optics=optics,
        cosmic_rays=cosmic_rays,
        arc_style=arc_style,
    )
    writer = _Writer(night, rng, lamps, n_arc, flexure, moon, seeing)
    writer.calibrations(n_bias, n_flat, focus)
    if arcs == "afternoon":
        writer.afternoon_arcs()
    writer.dusk()
    at_target = arcs == "block"
    if standard:
        writer.block([_standard(writer.clock)], 1, 120.0, "calibrate", at_target, image=False, kind="standard")
    blocks = [exposures_per_target] * (n_science // exposures_per_target)
    blocks += [n_science % exposures_per_target] if n_science % exposures_per_target else []
    for number, count in enumerate(blocks):
        sources = _field(rng, night, number, n_targets or number % 3 + 1, magnitude, writer.clock)
        writer.block(sources, count, seconds, proposals[number % len(proposals)], at_target, image=imaging)
    return writer.exposures


def usual_lamps(mode: Mode) -> tuple[str, ...]:
    """The lamps observers take in ``mode``: iron or copper in the blue, mercury-argon and neon elsewhere."""
    middle = float(Optics(mode).wavelength(2070.5))
    if mode.lines_per_mm < 500 or middle > 5300:
        return ("HGA", "NE")
    return ("CU",) if mode.lines_per_mm == 600 else ("FE",)


def small_night(mode: str = "930_M4", camera: str = "Blue", seed: int = 1, **changes) -> list[Exposure]:
    """A night that is quick to make: 200 binned rows, arcs 1x2, no images, two science frames; ``changes`` as above."""
    preset: dict[str, Any] = {"region": "small", "arc_binning": (1, 2), "imaging": False, "standard": False}
    preset |= {"n_science": 2, "exposures_per_target": 2, "n_targets": 1}
    return plan_night(mode, camera, seed, **(preset | changes))


@dataclass
class _Writer:
    """Writes exposures down one after the other, keeping the clock, the numbers and the flexure."""

    night: Night
    rng: np.random.Generator
    lamps: tuple[str, ...]
    n_arc: int
    flexure: float
    moon: float
    seeing: float | None

    def __post_init__(self) -> None:
        self.exposures: list[Exposure] = []
        self.clock = datetime.combine(self.night.evening, datetime.min.time(), timezone.utc) + timedelta(hours=19)
        self.image = 30000 + int(self.rng.integers(0, 9000))
        self.blocks = 0
        self.bent = (0.0, 0.0, 0.0, self.clock)

    @property
    def stamp(self) -> str:
        return self.night.evening.strftime("%d-%m-%Y")

    def add(self, kind: str, name: str, seconds: float, pointing: Pointing, **facts) -> None:
        """One exposure; the clock moves on by its time, the read-out and the observer's."""
        number = len(self.exposures) + 1
        base, rate, rows, since = self.bent
        hours = (self.clock - since).total_seconds() / 3600 + seconds / 7200
        jitter = self.rng.normal(0, [0.015, 1.5e-6, 0.02])
        self.image += 1
        exposure = Exposure(
            night=self.night,
            number=number,
            kind=kind,
            name=f"{number:04d}_{name}",
            start=self.clock + timedelta(milliseconds=int(self.rng.integers(0, 1000))),
            seconds=seconds,
            pointing=pointing,
            image=self.image,
            shift=float(self.flexure * (base + rate * hours + jitter[0])),
            stretch=float(self.flexure * jitter[1]),
            row_shift=float(self.flexure * (rows + jitter[2])),
            **facts,
        )
        self.exposures.append(exposure)
        pixels = np.prod(exposure.region.shape(exposure.binning))
        self.clock += timedelta(seconds=round(seconds + float(pixels) / 3.4e5 + float(self.rng.uniform(3, 9)), 3))

    def parked(self) -> Pointing:
        ra = (local_sidereal(self.clock.timestamp()) * 15 + 55.0) % 360
        return Pointing(ra, -17.68, PARKED_AIRMASS)

    def calibrations(self, n_bias: int, n_flat: int, focus: bool) -> None:
        bx, by = self.night.binning
        for _ in range(n_bias):
            self.add("bias", f"BIAS_{bx}x{by}_{self.stamp}.fits", 0.0, self.parked(), object="BIAS")
        self.bend(0.8)
        mode = self.night.optics.mode.name
        for _ in range(n_flat):
            name = f"QUARTZ_{mode}_{bx}x{by}_{self.stamp}.fits"
            self.add("flat", name, 5.0, self.parked(), object="QUARTZ")
        for _ in range(2 if focus else 0):
            self.add("focus", f"FOCUS_{self.stamp}.fits", 2.0, self.parked(), object="FOCUS", lamps=self.lamps)

    def afternoon_arcs(self) -> None:
        """Arcs with the telescope parked: gravity bends the instrument another way, by many pixels."""
        self.bend(1.5)
        far = float(self.rng.choice([-1, 1]) * self.rng.uniform(6, 16))
        self.bent = (far, *self.bent[1:])
        for _ in range(2 * self.n_arc):
            self.arc("+".join(self.lamps), self.parked(), {})

    def dusk(self) -> None:
        evening = datetime.combine(self.night.evening, datetime.min.time(), timezone.utc)
        self.clock = max(self.clock, evening + timedelta(hours=23, minutes=25))

    def bend(self, amount: float) -> None:
        """Point elsewhere: a new flexure (``amount`` unbinned pixels, one sigma) and a new drift."""
        draw = self.rng.normal(0, [amount, 0.12, 0.4])
        self.bent = (float(draw[0]), float(draw[1]), float(draw[2]), self.clock)

    def arc(self, name: str, pointing: Pointing, ids: dict) -> None:
        seconds = max(ARC_SECONDS[lamp] for lamp in self.lamps)
        self.add("arc", f"{name}_{self.stamp}_comp.fits", seconds, pointing, object=name, lamps=self.lamps, **ids)

    def block(
        self,
        sources: list[Source],
        count: int,
        seconds: float,
        proposal: str,
        arcs: bool,
        *,
        image: bool,
        kind="science",
    ) -> None:
        """Arcs, ``count`` exposures of ``sources`` and arcs again, perhaps an acquisition image before."""
        self.blocks += 1
        self.bend(1.5)
        main = sources[0]
        ids = {"proposal": proposal, "observation": 100 + self.blocks, "configuration": 1, "block": 5000 + self.blocks}
        angle = float(self.rng.uniform(0, 180))
        drawn = float(self.rng.uniform(0.7, 1.4))  # always, so that nothing else of the night depends on the option
        seeing = drawn if self.seeing is None else self.seeing
        place = SLIT_MIDDLE + float(self.rng.uniform(-1, 1)) * (60 if self.night.region.size[1] < 1000 else 250)
        sky = Sky(airglow=float(self.rng.uniform(0.7, 1.5)), moon=self.moon)
        if image:
            acquisition = f"{main.name}_acq_{self.stamp}.fits"
            self.add(
                "image", acquisition, 20.0, self.pointing(main, angle), object=main.name, sky=sky, seeing=seeing,
                filter="r-SDSS", **ids,
            )  # fmt: skip
        for _ in range(self.n_arc if arcs else 0):
            self.arc(main.name, self.pointing(main, angle), ids)
        for _ in range(count):
            breath = seeing * float(self.rng.uniform(0.93, 1.08))
            guided = place + float(self.rng.normal(0, 0.6))
            traces = tuple(self.trace(guided + s.offset, breath) for s in sources)
            self.add(
                kind, f"{main.name}_{self.stamp}.fits", seconds, self.pointing(main, angle), object=main.name, sky=sky,
                seeing=breath, targets=tuple(sources), traces=traces, **ids,
            )  # fmt: skip
            self.exposures[-1] = _with_row_shift(self.exposures[-1])
        for _ in range(self.n_arc if arcs and count > 1 else 0):
            self.arc(main.name, self.pointing(main, angle), ids)

    def trace(self, row: float, seeing: float) -> Trace:
        distortion = np.random.default_rng([self.night.seed, 81]).normal(0, [9.0, 2.0, 0.6])
        scale = 1 + (row - SLIT_MIDDLE) / 4000
        c1, c2, c3 = (float(c * scale) for c in distortion)
        return Trace((float(row), c1, c2, c3), seeing / 0.15)

    def pointing(self, source: Source, angle: float) -> Pointing:
        return Pointing(source.ra, source.dec, airmass(source.ra, source.dec, self.clock), angle)


def _with_row_shift(exposure: Exposure) -> Exposure:
    moved = tuple(
        replace(t, coefficients=(t.coefficients[0] + exposure.row_shift, *t.coefficients[1:])) for t in exposure.traces
    )
    return replace(exposure, traces=moved)


def airmass(ra: float, dec: float, moment: datetime) -> float:
    """Airmass (Young & Irvine 1967) of a place in the sky (degrees) over Cerro Pachon; at most 3."""
    hour_angle = np.radians(local_sidereal(moment.timestamp()) * 15 - ra)
    d, p = np.radians(dec), np.radians(LATITUDE)
    sine = np.sin(p) * np.sin(d) + np.cos(p) * np.cos(d) * np.cos(hour_angle)
    secant = 1 / max(float(sine), 0.3)
    return float(min(secant * (1 - 0.0012 * (secant**2 - 1)), 3.0))


def _standard(moment: datetime) -> Source:
    """The highest of the standards that are tabulated finely over the whole range."""
    stars = [s for s in open_library().standards if s.library == "esoxshooter" and s.dec < 20]
    best = min(stars, key=lambda s: (airmass(s.ra, s.dec, moment), s.star))
    return Source(best.star, "standard", float("nan"), ra=float(best.ra), dec=float(best.dec))


def _field(rng, night: Night, number: int, count: int, magnitude, moment: datetime) -> list[Source]:
    """The main target and its neighbours in the slit, ``count`` in all."""
    lst = local_sidereal(moment.timestamp()) * 15
    ra, dec = float((lst + rng.uniform(-15, 30)) % 360), float(rng.uniform(-55, 5))
    kind = STAR_KINDS[number % len(STAR_KINDS)]
    redshift = float(rng.uniform(0.005, 0.05)) if kind in ("supernova", "galaxy") else 0.0
    temperature = {"supernova": 11000.0, "white dwarf": 14000.0, "galaxy": 4800.0}.get(
        kind, float(rng.uniform(4500, 8000))
    )
    name = f"SN2026{'abcdefghij'[number % 10]}{'qrstuv'[int(rng.integers(6))]}" if kind == "supernova" else ""
    name = name or f"{kind.split()[0].upper()[:3]}{round(ra * 100):05d}{round(dec * 60):+05d}"
    bright = float(rng.uniform(*magnitude))
    sources = [Source(name, kind, bright, 0.0, redshift, temperature, ra, dec)]
    reach = 120.0 if night.region.size[1] < 1000 else 420.0
    sides = [-1.0, 1.0] if rng.uniform() < 0.5 else [1.0, -1.0]
    for k in range(1, count):
        offset = sides[(k - 1) % 2] * float(rng.uniform(0.45, 1.0)) * reach
        sources.append(
            Source(f"{name}_{k + 1}", "star", bright + float(rng.uniform(0.4, 1.6)), offset, 0.0,
                   float(rng.uniform(4500, 9000)), ra, dec)
        )  # fmt: skip
    return sources
