"""Headers in every dialect become the same observation; what cannot be used is refused with a sentence."""

from __future__ import annotations

import pytest

from chalicelib.domain import headers, matching
from chalicelib.domain.headers import NotGoodman, observe

NEW = {
    "NAXIS": 2,
    "NAXIS1": 2071,
    "NAXIS2": 948,
    "INSTRUME": "GHTS_RED",
    "INSTCONF": "Red",
    "OBSTYPE": "SPECTRUM",
    "OBJECT": "ZTF20actqfpc",
    "DATE-OBS": "2026-11-22T03:12:13.123",
    "DATE": "2026-11-22",
    "GAIN": 1.48,
    "RDNOISE": 3.89,
    "CCDSUM": "2 2",
    "ROI": "Spectroscopic 2x2",
    "GRATING": "400_SYZY",
    "SLIT": "1.0_LONG_SLIT",
    "FILTER": "NO_FILTER",
    "FILTER2": "GG455",
    "WAVMODE": "400_M2",
    "CAM_TARG": 16.1,
    "GRT_TARG": 7.5,
    "LAMP_HGA": "FALSE",
    "PROPID": "SOAR2026B-014",
    "OBSRA": "05:34:22.372",
    "OBSDEC": "-5:24:52.448",
    "OBSID": 1,
    "BLKUID": 0,
    "IMAGEID": 34304,
}


def test_newest_dialect():
    o = observe(NEW)
    assert (o.obstype, o.technique, o.camera, o.readout) == ("SPECTRUM", "Spectroscopy", "Red", "344/3")
    assert (o.binning, o.shape, o.night) == ((2, 2), (948, 2071), 20261121)
    assert (o.grating, o.lines_per_mm, o.wavmode) == ("400_SYZY", 400, "400_M2")
    assert (o.saturation, o.block_id, o.configuration_id) == (69257, 0, None)


def test_old_dialect_means_the_same():
    old = {
        **NEW,
        "INSTRUME": "Goodman Spectro",
        "OBSTYPE": "OBJECT",
        "GRATING": "SYZY_400",
        "SLIT": '1.0" long slit',
        "FILTER": "<NO FILTER>",
        "WAVMODE": "400 m2",
    }
    assert observe(old) == observe(NEW)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"OBSTYPE": "COMP"}, {"obstype": "ARC"}),
        ({"OBSTYPE": "FLAT"}, {"obstype": "LAMPFLAT"}),
        ({"OBSTYPE": "OBJECT", "GRATING": "<NO GRATING>"}, {"obstype": "EXPOSE", "technique": "Imaging"}),
        ({"OBSTYPE": "OBJECT", "WAVMODE": "Imaging", "CAM_TARG": 0.661}, {"obstype": "EXPOSE", "wavmode": "IMAGING"}),
        ({"WAVMODE": "Imaging"}, {"obstype": "SPECTRUM", "technique": "Spectroscopy", "wavmode": "400_M2"}),
        ({"OBSTYPE": "OBJECT", "WAVMODE": "Imaging"}, {"obstype": "SPECTRUM", "technique": "Spectroscopy"}),
        ({"OBSTYPE": "COMP", "WAVMODE": "Imaging"}, {"obstype": "ARC", "wavmode": "400_M2"}),
        ({"OBSTYPE": "EXPOSE", "WAVMODE": "Imaging"}, {"obstype": "EXPOSE", "technique": "Spectroscopy"}),
        ({"WAVMODE": "Imaging", "CAM_TARG": None, "CAM_ANG": -0.02}, {"obstype": "EXPOSE", "technique": "Imaging"}),
        ({"WAVMODE": "Imaging", "CAM_TARG": None}, {"obstype": "SPECTRUM"}),  # GRATING outranks the label
        ({"WAVMODE": "Imaging", "GRATING": "", "CAM_TARG": None}, {"obstype": "EXPOSE", "grating": "NO_GRATING"}),
        ({"WAVMODE": "930_M1"}, {"wavmode": "400_M2"}),  # angles outrank the label
        ({"CAM_TARG": 16.0}, {"wavmode": "CUSTOM"}),
        ({"CAM_TARG": 16.15}, {"wavmode": "400_M2"}),
        ({"INSTCONF": "", "INSTRUME": "Goodman Spectrograph"}, {"camera": "Blue"}),  # before 2015
        ({"GAIN": 1.45, "RDNOISE": 5.27}, {"readout": "750/2"}),
        ({"GAIN": 1.47, "RDNOISE": 5.27}, {"readout": "750/2"}),
        ({"GAIN": 9.99}, {"readout": "G9.99-R3.89", "saturation": 65535}),
        ({"PROPID": ""}, {"proposal": ""}),
        ({"GRATING": "SYZY_600-OLD"}, {"grating": "600_SYZY-OLD", "lines_per_mm": 600}),
        ({"SLIT": "<NO MASK>"}, {"slit": "NO_MASK"}),
        ({"DATE-OBS": "2026-11-22T15:59:59"}, {"night": 20261121}),
        ({"DATE-OBS": "2026-11-22T16:00:00"}, {"night": 20261122}),
    ],
)
def test_dialects_and_traps(cards, expected):
    o = observe({k: v for k, v in {**NEW, **cards}.items() if v is not None})
    assert {name: getattr(o, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("cards", "lamps", "known"),
    [
        ({"LAMP_HGA": "TRUE", "LAMP_NE": "TRUE", "OBJECT": "Fe"}, ("Hg", "Ar", "Ne"), True),  # lamps outrank OBJECT
        ({"LAMP_HGA": "FALSE"}, (), True),  # an arc with all lamps off
        ({"LAMP_HGA": "UNKNOWN", "OBJECT": "CuHeAr"}, ("Cu", "He", "Ar"), False),  # a card that says nothing
        ({"LAMP_HGA": None, "LAMP_QUA": "FALSE", "OBJECT": "CuHeAr"}, ("Cu", "He", "Ar"), False),
        ({"LAMP_HGA": True}, ("Hg", "Ar"), True),
        ({"LAMP_HGA": None, "OBJECT": "CuHeAr"}, ("Cu", "He", "Ar"), False),
        ({"LAMP_HGA": None, "OBJECT": "Fe"}, ("Fe", "Ar"), False),
        ({"LAMP_HGA": None, "OBJECT": "NGC 1365"}, (), False),
    ],
)
def test_lamps(cards, lamps, known):
    header = {k: v for k, v in {**NEW, "OBSTYPE": "ARC", **cards}.items() if v is not None}
    o = observe(header)
    assert (o.lamps, o.lamps_known) == (lamps, known)


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("HgAr lamp", "Hg Ar"),
        ("HgArNe 400M2", "Hg Ar Ne"),
        ("HgArNe_400m2", "Hg Ar Ne"),
        ("CuHeAr_600", "Cu He Ar"),
        ("comp HgAr", "Hg Ar"),
        ("ARC: HGARNE", "Hg Ar Ne"),
        ("Hg-Ar + Ne comparison 2", "Hg Ar Ne"),
        ("Fe lamp", "Fe Ar"),
        ("Fe_930_blue_long", "Fe Ar"),
        ("Ne 400 M1", "Ne"),
        ("HgAr for SN2018oh", "Hg Ar"),
        ("He lamp", "He"),
        ("He", "He"),
        ("Hg Ar", "Hg Ar"),
        ("", ""),
        ("comp", ""),
        # stars, galaxies and places
        ("Feige110", ""),
        ("Feige 34", ""),
        ("BD+28", ""),
        ("M83 NE", ""),
        ("offset NE 10", ""),
        ("HE 0435-1223", ""),
        ("He 2-10", ""),
        ("HE0107-5240", ""),
        ("near SN2018oh", ""),
        ("Arp 220", ""),
        ("AR Sco", ""),
        ("Ar Sco arc", ""),
        ("HD 1461", ""),
        ("NGC 1365", ""),
    ],
)
def test_a_lamp_in_the_name_of_the_object(name, elements):
    arc = {k: v for k, v in NEW.items() if not k.startswith("LAMP_")} | {"OBSTYPE": "ARC", "OBJECT": name}
    assert observe(arc).lamps == tuple(elements.split())


@pytest.mark.parametrize(
    ("cards", "code", "says"),
    [
        ({"INSTRUME": None}, "no_instrument", "INSTRUME is missing"),
        ({"INSTRUME": "GMOS-S"}, "other_instrument", "GMOS-S"),
        ({"DATE-OBS": None}, "bad_date_obs", "DATE-OBS is missing"),
        ({"DATE-OBS": "yesterday"}, "bad_date_obs", "yesterday"),
        ({"DATE-OBS": "0001-01-01T00:00:00"}, "bad_date_obs", "0001"),
        ({"GAIN": None}, "bad_gain", "GAIN is missing"),
        ({"GAIN": "high"}, "bad_gain", "'high', not a number"),
        ({"GAIN": float("nan")}, "bad_gain", "not a number"),
        ({"GAIN": 0.0}, "bad_gain", "outside"),
        ({"RDNOISE": None}, "bad_rdnoise", "RDNOISE is missing"),
        ({"CCDSUM": None}, "bad_ccdsum", "CCDSUM is missing"),
        ({"CCDSUM": "two"}, "bad_ccdsum", "'two'"),
        ({"OBSTYPE": None}, "bad_obstype", "OBSTYPE is missing"),
        ({"OBSTYPE": "SELFIE"}, "bad_obstype", "SELFIE"),
        ({"GRATING": None, "WAVMODE": "Imaging"}, "bad_grating", "GRATING is missing"),  # the camera is at 16.1°
        ({"NAXIS": 1, "NAXIS2": None}, "bad_naxis", "two-dimensional"),
        ({"NAXIS": 3, "NAXIS3": 4}, "bad_naxis", "two-dimensional"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(cards, code, says):
    header = {k: v for k, v in {**NEW, **cards}.items() if v is not None}
    with pytest.raises(NotGoodman) as refused:
        observe(header)
    assert refused.value.code == code
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")


def test_the_origin_of_a_region_is_found_in_the_comments():
    comments = {"PG3_0": "Serial Origin, Pixels", "PG3_4": "Parallel Origin, Pixels"}
    o = observe({**NEW, "PG3_0": 0, "PG3_4": 1800}, comments)
    assert o.roi_origin == (0, 1800)
    assert o.roi_geometry == "4140x1896@0,1800"


def test_a_bias_with_another_grating_and_slit_serves():
    star = observe(NEW)
    bias = observe({**NEW, "OBSTYPE": "BIAS", "GRATING": "930_SYZY", "SLIT": "NO_MASK", "WAVMODE": "930_M4"})
    assert matching.bias_key(bias) == matching.bias_key(star)
    assert matching.pool_of(bias) == f"pool#{matching.bias_key(star)}#20261121"


@pytest.mark.parametrize(
    "cards",
    [{"GAIN": 3.87, "RDNOISE": 7.05}, {"CCDSUM": "1 2", "NAXIS1": 4142}, {"INSTCONF": "Blue", "INSTRUME": "GHTS_BLUE"}],
)
def test_a_bias_of_another_readout_does_not(cards):
    assert matching.bias_key(observe({**NEW, **cards})) != matching.bias_key(observe(NEW))


def test_every_known_type_has_a_chain():
    from chalicelib.domain import plan

    assert set(plan.CHAINS) == set(headers._OBSTYPES.values())


def test_all_real_headers_are_understood(shared_data):
    from astropy.io import fits

    understood = 0
    for path in sorted(shared_data.glob("*/*.fits*")):
        header = fits.getheader(path)
        if path.parent.name == "cosmic":
            with pytest.raises(NotGoodman):
                observe(header)
            continue
        observe(header, {card.keyword: card.comment for card in header.cards})
        understood += 1
    assert understood > 0
