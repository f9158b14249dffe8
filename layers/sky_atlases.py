"""Build ``chalicelib/science/data``: what the night sky's light looks like, reduced to two small files.

Run once by a developer; the results are part of the repository, so nothing is downloaded when the pipeline runs::

    pip download --no-deps pypeit==2.0.1
    pip download --no-deps ispy-solar==0.2.3          # a source archive
    python layers/sky_atlases.py pypeit-2.0.1-py3-none-any.whl ISPy-solar-0.2.3.tar.gz

- ``solar_atlas.npz``: residual intensity of the Sun, from the Hamburg FTS atlas of the disc centre (Neckel 1999, Solar
  Physics 184, 421), convolved with a Gaussian and sampled on a linear air-wavelength axis.
- ``airglow.csv``: emission lines of the night sky, from the UVES atlas (Hanuschik 2003, A&A 407, 1157) with its
  wavelengths brought to air, and lamp lines of towns.
"""

from __future__ import annotations

import argparse
import io
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from scipy.io import readsav
from scipy.ndimage import gaussian_filter1d

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from chalicelib.science.air import vacuum_to_air  # noqa: E402

FIRST, LAST, STEP, FWHM = 3291.0, 9900.0, 0.1, 0.25
#: Town lamps (NIST air wavelengths, relative strengths of a low-pressure mercury lamp); not in the UVES atlas.
TOWN = [
    (4046.563, 40.0, "Hg 4047"),
    (4077.837, 4.0, "Hg 4047"),
    (4358.335, 80.0, "Hg 4358"),
    (5460.750, 100.0, "Hg 5461"),
    (5769.610, 25.0, "Hg 5780"),
    (5790.670, 27.0, "Hg 5780"),
]
#: Lines whose strengths rise and fall together: (first, last, name), Angstrom in air; OH bands by their upper level.
#: The faint bands around 5577, a few lines each, are left out: alone in a spectrum they would pass for the bright line.
GROUPS = [
    (5190, 5205, "[N I] 5200"),
    (5576, 5579, "[O I] 5577"),
    (5889, 5891, "Na D"),
    (5895, 5897, "Na D"),
    (5850, 6070, "OH 8"),
    (6300, 6301, "[O I] 6300"),
    (6363, 6365, "[O I] 6300"),
    (6070, 6440, "OH 9"),
    (6440, 6680, "OH 6"),
    (6680, 7090, "OH 7"),
    (7090, 7500, "OH 8"),
    (7500, 7705, "OH 4-5"),
    (7705, 7890, "OH 9"),
    (7890, 8200, "OH 4-5"),
    (8200, 8600, "OH 6"),
    (8600, 8720, "O2 0-1"),
    (8720, 9250, "OH 7"),
    (9250, 9900, "OH 8"),
]


def group_of(wavelength: float) -> str | None:
    """Name of the first group that holds the wavelength."""
    return next((name for low, high, name in GROUPS if low <= wavelength < high), None)


def solar_atlas(archive: Path) -> dict[str, np.ndarray]:
    """Residual intensity on the linear axis, 1/50000 units."""
    with tarfile.open(archive) as tar, tempfile.TemporaryDirectory() as folder:
        member = next(m for m in tar.getmembers() if m.name.endswith("fts_disk_center_SI.idlsave"))
        path = Path(folder) / "atlas.idlsave"
        stream = tar.extractfile(member)
        assert stream is not None, member.name
        path.write_bytes(stream.read())
        atlas = readsav(str(path))
    wave = atlas["ftswav"].astype(float)
    residual = (atlas["ftsint_si"] / atlas["ftscnt_si"]).astype(float)
    fine = np.arange(FIRST - 2, LAST + 2, 0.01)
    smooth = gaussian_filter1d(np.interp(fine, wave, residual), FWHM / 2.3548 / 0.01)
    axis = FIRST + STEP * np.arange(round((LAST - FIRST) / STEP) + 1)
    values = np.clip(np.interp(axis, fine, smooth) * 50000, 0, 65535)
    return {
        "residual": np.rint(values).astype(np.uint16),
        "axis": np.array([FIRST, STEP, FWHM]),
    }


def airglow_lines(wheel: Path) -> list[tuple[float, float, str]]:
    """(air wavelength, strength, group) of the lines above the noise of the UVES atlas."""
    with zipfile.ZipFile(wheel) as archive:
        hdus = fits.open(io.BytesIO(archive.read("pypeit/data/sky_spec/paranal_sky.fits")))
    flux, wave = hdus[0].data.astype(float), hdus[1].data.astype(float)
    step = wave[1] - wave[0]
    half = round(3.0 / step)
    lines = []
    for i in np.flatnonzero((flux[1:-1] > flux[:-2]) & (flux[1:-1] >= flux[2:]) & (wave[1:-1] > 5190)) + 1:
        near = flux[max(i - half, 0) : i + half]
        base = np.median(near)
        core = slice(i - 4, i + 5)
        strength = float(np.sum(flux[core] - base) * step)
        if flux[i] < flux[core].max() or strength < max(1.0, 0.15 * base):
            continue
        centre = np.sum(wave[core] * (flux[core] - base)) / np.sum(flux[core] - base)
        air = float(vacuum_to_air(centre))
        group = group_of(air)
        if group:
            lines.append((air, strength, group))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pypeit", type=Path, help="pypeit-2.0.1 wheel")
    parser.add_argument("ispy", type=Path, help="ISPy-solar-0.2.3 source archive")
    parser.add_argument("--out", type=Path, default=ROOT / "chalicelib" / "science" / "data")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    columns: dict[str, Any] = solar_atlas(args.ispy)
    np.savez_compressed(args.out / "solar_atlas.npz", **columns)
    rows = sorted(TOWN + airglow_lines(args.pypeit))
    text = "wavelength,strength,group\n" + "".join(f"{w:.3f},{s:.2f},{g}\n" for w, s, g in rows)
    (args.out / "airglow.csv").write_text(text)
    print(f"{len(rows)} lines; {', '.join(f'{p.name} {p.stat().st_size} B' for p in sorted(args.out.iterdir()))}")


if __name__ == "__main__":
    main()
