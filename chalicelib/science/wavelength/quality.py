"""What a quality record says about a wavelength solution."""

from __future__ import annotations

from collections import Counter

from ..dispersion import WavelengthSolution
from .grating import CENTRE
from .solver import Setup


def quality(solution: WavelengthSolution, setup: Setup) -> dict:
    """JSON-able figures of ``solution`` and, in ``notes``, sentences for whatever a person should know.

    ``rms`` (Angstrom) and ``rms_pixels`` (unbinned) are from lines held out of the fit.
    """
    step = abs(float(solution.dispersion(CENTRE)))
    used = [line for line in solution.lines if line.used]
    missing = [e for e in solution.lamps if e not in setup.elements]
    notes = []
    if setup.elements and missing:
        notes.append(
            f"The lamp named in the header ({'+'.join(setup.elements)}) does not explain the lines; "
            f"{'+'.join(solution.lamps)} does."
        )
    found = {line.ion.split()[0] for line in used}
    silent = [e for e in setup.elements if e in ("Fe", "Cu") and e not in found and e not in missing]
    if silent:
        notes.append(f"Not one line of {'+'.join(silent)}, which the header names, was found: which lamp was on?")
    if not setup.elements:
        notes.append(f"The header names no lamp; the lines are those of {'+'.join(solution.lamps)}.")
    if len(used) < 10:
        notes.append(f"Only {len(used)} lines carry the solution; its shape is the grating equation's.")
    return {
        "rms": solution.rms,
        "rms_fit": solution.rms_fit,
        "rms_pixels": solution.rms / step,
        "lines_used": len(used),
        "lines_identified": len(solution.lines),
        "lines_by_ion": dict(sorted(Counter(line.ion for line in used).items())),
        "span": list(solution.span),
        "score": solution.score,
        "method": solution.method,
        "template": solution.template,
        "lamps": list(solution.lamps),
        "label_contradicted": bool(setup.elements and missing),
        "notes": notes,
    }
