"""Raw headers in the newest dialect of the instrument's control software."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from astropy.io import fits

from .exposure import Exposure

LONGITUDE = -70.7337
LATITUDE = -30.2379


def sexagesimal(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """``value`` (hours or degrees) as ``hh:mm:ss.sss``."""
    total = round(abs(value) * 3600 * 10**digits)
    seconds, fraction = divmod(total, 10**digits)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if value < 0 else ("+" if signed else "")
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}.{fraction:0{digits}d}"


def sidereal_hours(exposure: Exposure) -> float:
    """Local mean sidereal time, hours, at the start (to a second: Meeus, Astronomical Algorithms, ch. 12)."""
    return local_sidereal(exposure.start.timestamp())


def local_sidereal(unix: float) -> float:
    """Local mean sidereal time (hours) at Cerro Pachon at a Unix time."""
    days = unix / 86400.0 - 10957.5
    return (18.697374558 + 24.06570982441908 * days + LONGITUDE / 15) % 24


def make_header(exposure: Exposure) -> fits.Header:
    """The raw cards of ``exposure``, structural cards excepted."""
    header = fits.Header()
    for cards in (_times(exposure), _camera(exposure), _telescope(exposure), _lamps(exposure), _setup(exposure)):
        for keyword, value, comment in cards:
            header.append((keyword, value, comment), end=True)
    header["COMMENT"] = f"Exp Time= {exposure.seconds:05.2f}, Saved as: {exposure.name}"
    return header


def _clock(moment) -> str:
    return moment.strftime("%H:%M:%S.%f")[:-3]


def _times(exposure: Exposure) -> list[tuple]:
    end = exposure.start + timedelta(seconds=exposure.seconds)
    return [
        ("DATE-OBS", exposure.start.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "DATE-OBS Format: YYYY-MM-DDThh:mm:ss.sss"),
        ("DATE", exposure.start.strftime("%Y-%m-%d"), "Date Format is YYYY-MM-DD"),
        ("TIME", f"{_clock(exposure.start)} to {_clock(end)}", "~ Start & Stop of Exposure"),
    ]


def _camera(exposure: Exposure) -> list[tuple]:
    """The controller's own parameters; only their comments say what they are (there are some 200 on real frames)."""
    region, binning = exposure.region, exposure.binning
    rows, columns = region.shape(binning)
    window = [
        ("Serial Origin, Pixels", region.origin[0]),
        ("Serial Length, Binned Pixels", columns),
        ("Serial Binning, Pixels", binning[0]),
        ("Serial Post Scan, Pixels", 0),
        ("Parallel Origin, Pixels", region.origin[1]),
        ("Parallel Length, Binned Pixels", rows),
        ("Parallel Binning, Pixels", binning[1]),
        ("Parallel Post Scan, Pixels", 0),
    ]
    if exposure.night.camera == "Red":
        block, first = 5, [("Bits Per Pixel, (16)", 16), ("DSI Sample Time,", 34), ("Gain, (High)", 1)]
        window = [(comment.split(", ")[0] + ",", value) for comment, value in window[4:] + window[:4]]
    else:
        block, first = 3, []
    cards: list[tuple] = [("PG0_0", "-100.0" if exposure.night.camera == "Red" else "-106.4", "CCD 0 CCD Temp., C")]
    cards += [(f"PG{block}_{i}", value, comment) for i, (comment, value) in enumerate([*first, *window])]
    return cards


def _telescope(exposure: Exposure) -> list[tuple]:
    pointing = exposure.pointing
    lst = sidereal_hours(exposure)
    on_sky = exposure.kind in ("science", "standard", "image") or exposure.observation is not None
    rng = exposure.rng(6)
    jitter = rng.normal(0, 0.2 / 3600, 2)
    hour_angle = (lst - pointing.ra / 15 + 12) % 24 - 12
    name = {"Red": "GHTS_RED", "Blue": "GHTS_BLUE"}[exposure.night.camera]
    return [
        ("TELESCOP", "SOAR 4.1m", ""),
        ("INSTRUME", name, ""),
        ("OBJECT", exposure.object, ""),
        ("NOTES", "", ""),
        ("INSTCONF", exposure.night.camera, ""),
        ("CAMSWV", "Beta 31", ""),
        ("INSTSWV", "GSCS 3.0.4", ""),
        ("CAMERA", "Si 1110-111" if exposure.night.camera == "Red" else "Si 600-658", ""),
        ("RA", sexagesimal((pointing.ra + jitter[0]) / 15), "right ascension [hh:mm:ss.sss]"),
        ("DEC", sexagesimal(pointing.dec + jitter[1]), "declination [dd:mm:ss.sss]"),
        ("AIRMASS", round(pointing.airmass, 3), "airmass at approx. start of exposure"),
        ("UT", _clock(exposure.start), "time at approx. start of exposure [UTC]"),
        ("FOCUS", round(-1100 + float(rng.normal(0, 3)), 2), "SOAR telescope focus"),
        ("ROTATOR", round(float(rng.uniform(-60, 60)), 2) if on_sky else 0.0, "Nasymth cage rotator angle [deg]"),
        ("POSANGLE", round(pointing.position_angle, 2), "position angle [deg. E of N]"),
        ("SEEING", round(exposure.seeing, 2) if on_sky else -1.0, "DIMM seeing [arcsec]"),
        ("LST", sexagesimal(lst), "Local Sidereal Time  [hh:mm:ss.sss]"),
        ("OBSRA", sexagesimal(pointing.ra / 15), "target right ascension [hh:mm:ss.sss]"),
        ("OBSDEC", sexagesimal(pointing.dec), "target declination  [dd:mm:ss.sss]"),
        ("HA", sexagesimal(hour_angle), "Hour Angle  [hh:mm:ss.sss]"),
        ("ADCSTAT", "IN" if on_sky else "PARK", "ADC Status"),
    ]


def _lamps(exposure: Exposure) -> list[tuple]:
    described = {
        "HGA": "HgAr comparison lamp",
        "NE": "Neon comparison lamp",
        "AR": "Argon  comparison lamp",
        "FE": "Iron  comparison lamp",
        "CU": "Copper  comparison lamp",
    }
    cards: list[tuple] = [(f"LAMP_{k}", "TRUE" if k in exposure.lamps else "FALSE", d) for k, d in described.items()]
    quartz = exposure.kind == "flat"
    return [
        *cards,
        ("LAMP_QUA", "TRUE" if quartz else "FALSE", "Quartz  lamp for flat field"),
        ("LAMP_QPE", 60 if quartz else 0, "Quartz  lamp intensity percentage"),
        ("LAMP_BUL", "FALSE", "Bulb lamp"),
        ("LAMP_DOM", "FALSE", "Dome lamp"),
        ("LAMP_DPE", 0, "Dome lamp intensity percentage"),
    ]


def _setup(exposure: Exposure) -> list[tuple]:
    night, region, binning = exposure.night, exposure.region, exposure.binning
    mode = night.optics.mode
    imaging = exposure.kind == "image"
    camera = 0.0 if imaging else mode.camera_angle
    grating = 0.0 if imaging else mode.grating_angle
    encoder = exposure.rng(7).normal(0, 3e-4, 2)
    rng = exposure.rng(8)
    return [
        ("CAM_ANG", round(camera + float(encoder[0]), 6), "camera angle [deg]"),
        ("GRT_ANG", round(grating + float(encoder[1]), 6), "grating angle [deg]"),
        ("CAM_TARG", camera, "camera target [deg]"),
        ("GRT_TARG", grating, "grating target [deg]"),
        ("CAM_FOC", -571 if night.camera == "Red" else 1301, "camera focus"),
        ("COLL_FOC", 1002, "collimator focus"),
        ("FILTER", exposure.filter, "primary filter wheel"),
        ("FILTER2", "NO_FILTER" if imaging else mode.blocking_filter, "secondary filter wheel"),
        ("GRATING", "NO_GRATING" if imaging else mode.grating, "VPH grating [1/mm]"),
        ("SLIT", "NO_MASK" if imaging else f"{float(night.slit)}_LONG_SLIT", "slit [arcsec]"),
        ("WAVMODE", "IMAGING" if imaging else mode.name, "Wavelength"),
        ("EXPTIME", float(exposure.seconds), "integration time"),
        ("RDNOISE", night.readout.read_noise, "CCD readnoise [e-]"),
        ("GAIN", night.readout.gains[0], "CCD gain [e-/ADU]"),
        ("OBSTYPE", exposure.obstype, "observation type"),
        ("OBSERVER", "Simulated Observer", ""),
        ("PROPID", exposure.proposal, "SOAR proposal"),
        ("OBSID", exposure.observation, "observation id"),
        ("CONFID", exposure.configuration, "configuration id"),
        ("BLKUID", exposure.block, "block id"),
        ("IMAGEID", exposure.image, "image id"),
        ("EQUINOX", 2000.0, "equinox of coordinates"),
        ("ROI", region.card(binning), ""),
        ("ENVHUM", round(float(np.clip(rng.normal(35, 8), 3, 95)), 1), "Relative Humidity at start of exposure"),
        ("ENVTEM", round(float(rng.normal(11, 1)), 1), "Outside Temperature [C] at start of exposure"),
        ("DISPAXIS", 1, ""),
        ("DETSIZE", "[1:4096,1:4096]", ""),
        ("TRIMSEC", region.trim_section(binning), ""),
        ("CCDSIZE", "[1:4096,1:4096]", ""),
        ("CCDSUM", f"{binning[0]} {binning[1]}", ""),
    ]
