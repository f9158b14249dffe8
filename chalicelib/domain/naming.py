"""Names of files and objects. A name is for people, never a key (design §9)."""

from __future__ import annotations

import re

from .headers import Observation
from .steps import AUTO
from .topology import RAW

_COMPRESSIONS = (".gz", ".fz", ".bz2")


def base_name(raw_name: str) -> str:
    """The raw file's name without compression: what products' names are built on.

    >>> base_name("0317_x.fits.fz")
    '0317_x.fits'
    """
    name = raw_name.rsplit("/", 1)[-1]
    for ending in _COMPRESSIONS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name if re.search(r"\.(fits|fit|fts)$", name, re.IGNORECASE) else f"{name}.fits"


def product_name(
    steps: str, raw_name: str, *, target: int | None = None, solution: int | None = None, variant: str = AUTO
) -> str:
    """``<steps>_<raw name>``, with ``_target_N`` and ``_ws_N`` where there are several, and a variant's first letters.

    >>> product_name("ecfzst", "0317_x.fits.gz", target=2)
    'ecfzst_0317_x_target_2.fits'
    >>> product_name("ecfzst", "0317_x.fits.gz", variant="3fa9c1d20b44")
    'ecfzst_0317_x_choice_3fa9c1.fits'
    """
    stem, ending = base_name(raw_name).rsplit(".", 1)
    suffix = (f"_target_{target}" if target else "") + (f"_ws_{solution}" if solution else "")
    suffix += "" if variant == AUTO else f"_choice_{variant[:6]}"
    return f"{steps}_{stem}{suffix}.{ending}" if steps else f"{stem}{suffix}.{ending}"


def steps_of(name: str) -> str:
    """The step letters a product's name begins with.

    >>> steps_of("cfzst_0317_x.fits")
    'cfzst'
    """
    return name.split("_", 1)[0]


def master_name(kind: str, observation: Observation) -> str:
    """Name of a master, telling what it is for.

    ``master_bias_RED_SP_2x2_R03.89_G01.48_20261121``; flats name grating, setting, filter and slit too.
    """
    technique = "IM" if observation.technique == "Imaging" else "SP"
    binning = f"{observation.binning[0]}x{observation.binning[1]}"
    readout = f"R{observation.read_noise:05.2f}_G{observation.gain:05.2f}"
    parts = [f"master_{kind}", observation.camera.upper(), technique, binning, readout]
    if kind == "flat":
        parts += [observation.grating, observation.wavmode, _blocking(observation), observation.slit]
    return _safe("_".join([*parts, str(observation.night)])) + ".fits"


def _blocking(observation: Observation) -> str:
    filters = [f for f in (observation.filter, observation.filter_2) if f != "NO_FILTER"]
    return "_".join(filters) or "NO_FILTER"


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", name)


def product_key(prefix: str, night: int, file_id: int, run_key: str, name: str) -> str:
    """Object key of a product: never written twice with other bytes."""
    return f"{prefix}{night}/{file_id}/{run_key[:12]}/{_safe(name)}"


def file_id_in(key: str) -> int | None:
    """The file id in a product's key, or None if the key is not one of ours."""
    match = re.search(r"/\d{8}/(\d{9,15})/[0-9a-f]{12}/[^/]+$", key)
    return int(match[1]) if match else None


def raw_key(night: int, name: str) -> str:
    """Object key of a raw frame."""
    return f"{RAW}{night}/{name}"
