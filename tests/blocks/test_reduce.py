"""REDUCE: what kind of frame is cleaned of cosmic rays, and by what."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.blocks import inputs, reduce
from chalicelib.domain.headers import observe
from chalicelib.domain.plan import FrameFacts, Input, Step
from chalicelib.domain.settings import Settings
from chalicelib.science.frame import RawFrame
from tests.domain.test_headers import NEW

SHAPE = (120, 400)


@pytest.mark.parametrize(
    ("cards", "settings", "cleaned"),
    [
        ({"OBSTYPE": "ARC"}, {}, "none"),
        ({"OBSTYPE": "ARC", "GRATING": "<NO GRATING>"}, {}, "none"),  # a lamp without grating is an image
        ({"OBSTYPE": "EXPOSE", "GRATING": "<NO GRATING>"}, {}, "LACosmic"),
        ({"OBSTYPE": "EXPOSE", "GRATING": "<NO GRATING>"}, {"cosmic_rays": "dcr"}, "LACosmic"),
        ({"OBSTYPE": "SPECTRUM"}, {"cosmic_rays": "dcr"}, "DCR"),
    ],
)
def test_arcs_are_not_cleaned_and_the_card_says_what_was_done(monkeypatch, cards, settings, cleaned):
    header = {**NEW, "NAXIS2": SHAPE[0], "NAXIS1": SHAPE[1], "CCDSUM": "2 2", **cards}
    data = np.random.default_rng(51).normal(700, 9, SHAPE).astype(np.float32)
    data[60, 200:203] += 4000
    monkeypatch.setattr(inputs, "raw", lambda _: RawFrame(data.copy(), fits.Header()))
    source = Input("raw", 1, "a" * 64, "raw/x", "x.fits")
    step = Step("reduce", "reduce", "0" * 64, (source,))
    facts = FrameFacts(raw=source, observation=observe(header), settings=Settings(**settings))
    (made,) = reduce.make_reduced(step, facts)
    assert fits.getheader(BytesIO(made.data))["GSP_COSM"] == cleaned
    assert ("c" in made.name.split("_")[0]) == (cleaned != "none")
