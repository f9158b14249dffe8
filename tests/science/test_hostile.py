"""What must end as a sentence or be left out: nonsense headers, tiny frames, spoilt members, odd names, no noise."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from chalicelib.science import bias, cards, combine, product, rawfile
from chalicelib.science.errors import ScienceError, UnreadableFrame, UnusableFrame
from chalicelib.science.extraction import analyse, extract
from chalicelib.science.figures import known
from chalicelib.science.frame import Frame, MaskBit, RawFrame
from chalicelib.science.preview import image_preview, read_preview, spectrum_preview
from chalicelib.science.reduction import reduce_image, reduce_spectrum
from tests.science.longslit import LongSlit, Source
from tests.science.readout import BLUE, RED, SHAPE, expose, fits_bytes

PLAIN = fits_bytes(np.arange(6000, dtype=np.uint16).reshape(60, 100))
NAME = "biás\n\u2603 " + "long name " * 9


def with_cards(*changes: tuple[str, str], extra: list[str] = ()) -> bytes:
    """PLAIN with cards changed and others put before END."""
    lines = [PLAIN[i : i + 80].decode() for i in range(0, 2880, 80)]
    lines = lines[: next(i for i, line in enumerate(lines) if line.startswith("END     "))]
    for keyword, value in changes:
        lines = [line for line in lines if line[:8].strip() != keyword] + [f"{keyword:<8}= {value:>20}"]
    text = "".join(line.ljust(80)[:80] for line in [*lines, *extra, "END"])
    return (text + " " * (-len(text) % 2880)).encode() + PLAIN[2880:]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ([("NAXIS", "999999999")], {"wrong_axes"}),
        ([("NAXIS", "-2")], {"wrong_axes"}),
        ([("NAXIS", "999")], {"no_image"}),
        ([("NAXIS1", "9" * 60)], {"too_large"}),
        ([("NAXIS1", "9" * 60), ("NAXIS2", "9" * 60), ("PCOUNT", "9" * 60), ("GCOUNT", "9" * 60)], {"too_large"}),
        ([("NAXIS1", "-100")], {"wrong_axes"}),
        ([("GCOUNT", "-1")], {"broken_header"}),
        ([("PCOUNT", "-7000")], {"broken_header"}),
        ([("GCOUNT", "'many'")], {"broken_header"}),
    ],
)
def test_nonsense_sizes_end_at_once_with_a_sentence(changes, codes):
    data = with_cards(*changes)
    start = time.process_time()
    scan = rawfile.scan(io.BytesIO(data))
    assert scan.code in codes, scan.problem
    assert scan.problem.endswith((".", ")"))
    with pytest.raises(UnreadableFrame):
        rawfile.read_raw(data)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("first", ["LONGSTR = 'abc&'", "LONGSTR = 'abc&", "CONTINUE  'orphan&'", "CONTINUE = 5"])
def test_hundreds_of_kilobytes_of_continue_cards_are_read(first):
    data = with_cards(extra=[first, *["CONTINUE  '" + "x" * 66 + "&'"] * 4000])
    scan = rawfile.scan(io.BytesIO(data))
    assert scan.problem is None
    assert scan.header["NAXIS1"] == 100
    assert rawfile.read_raw(data).data.shape == (60, 100)


def test_any_file_name_fits_a_card():
    header = fits.Header()
    cards.set_card(header, "GSP_BIAS", NAME, "Master bias image")
    assert header["GSP_BIAS"].startswith("bi?s ? long name")
    rng = np.random.default_rng(1)
    master = combine.combine_bias([expose(rng, 0.0) for _ in range(3)], BLUE).frame
    reduced = reduce_image(expose(rng, 50.0), BLUE, bias=master, flat=None, bias_name=NAME)
    with fits.open(io.BytesIO(product.write_image(reduced.frame, reduced.cards, reduced.history))) as hdus:
        assert hdus[0].header["GSP_BIAS"].startswith("bi?s")


def test_history_breaks_between_words_only_and_is_not_repeated():
    checksum = "0123456789abcdef" * 4
    sentence = f"combined 0277_Zero_a-long-name_20180204.fits sha256 {checksum}"
    frame = LongSlit(shape=(20, 30)).frame()
    again = product.read_image(product.write_image(frame, [], [sentence, "one", "one more"]))
    lines = list(again.header["HISTORY"])
    assert checksum in lines
    assert " ".join(lines) == f"{sentence} one one more"
    twice = product.read_image(product.write_image(again, [], [sentence, "one"]))
    assert list(twice.header["HISTORY"]) == lines


def test_every_card_of_ours_has_its_whole_comment():
    spectrum = extract(LongSlit(shape=(120, 400), sources=[Source(1500, 60)]).frame())[0]
    spectrum = replace(spectrum, trace=replace(spectrum.trace, coefficients=(-1.2345678901234567e-101, 1 / 3)))
    header = fits.Header()
    own = [*cards.geometry_cards(spectrum.geometry, 2), *cards.trace_cards(spectrum.trace),
           *cards.aperture_cards(spectrum.apertures, "optimal")]  # fmt: skip
    for keyword, value, comment in own:
        cards.set_card(header, keyword, value, comment)
        assert header.comments[keyword] == comment
    with fits.open(io.BytesIO(product.write_spectrum(spectrum))) as hdus:
        assert not [
            c.keyword for c in hdus[0].header.cards if not c.comment and c.keyword[:5] not in ("NAXIS", "EXTEN")
        ]
        assert len(hdus[0].header["GSP_EXTR"]) < 22


def tiny(shape) -> RawFrame:
    return expose(np.random.default_rng(3), 500.0, RED, shape=shape, trimsec=None)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (1, 60), (60, 1), (3, 2071), (200, 3), (15, 400), (44, 44)])
def test_tiny_frames_are_refused_with_one_sentence(shape):
    raw = tiny(shape)
    plane = np.ones(shape, np.float32)
    frame = Frame(raw.data, plane, np.zeros(shape, np.uint8))
    for work in (
        lambda: combine.combine_bias([raw] * 3, RED),
        lambda: combine.combine_flat([raw] * 3, RED, None),
        lambda: reduce_spectrum(raw, RED, bias=None, flat=None, clean_cosmic_rays=True),
        lambda: reduce_image(raw, RED, bias=None, flat=None),
        lambda: extract(frame),
    ):
        with pytest.raises(UnusableFrame, match="too few pixels"):
            work()


@pytest.mark.parametrize("shape", [(18, 130), (130, 18), (50, 60), (20, 2000)])
def test_small_frames_work_or_say_why(shape):
    raw = tiny(shape)
    assert combine.combine_flat([raw] * 3, RED, None).quality["members"] == 3
    reduced = reduce_spectrum(raw, RED, bias=None, flat=None, clean_cosmic_rays=True)
    image_preview(reduced.frame)
    try:
        spectra = extract(reduced.frame)
    except ScienceError as problem:
        assert str(problem).endswith(".")
    else:
        assert spectra


def spoilt(kind: str, good: RawFrame) -> RawFrame:
    data = good.data.copy()
    if kind == "constant":
        data[:] = 434
    elif kind == "nan":
        data[:] = np.nan
    elif kind == "half nan":
        data[: int(0.6 * len(data))] = np.nan
    else:
        data = data[:50]
    return RawFrame(data, good.header)


@pytest.mark.parametrize("kind", ["constant", "nan", "half nan", "shape"])
@pytest.mark.parametrize("first", [True, False])
def test_one_spoilt_member_is_left_out_and_changes_nothing(kind, first):
    rng = np.random.default_rng(5)
    for make, light in ((combine.combine_bias, 0.0), (lambda f, d: combine.combine_flat(f, d, None), 3000.0)):
        frames = [expose(rng, light) for _ in range(3)]
        at = 0 if first else 3
        result = make([*frames[:at], spoilt(kind, frames[0]), *frames[at:]], BLUE)
        assert [index for index, _ in result.rejected] == [at]
        np.testing.assert_array_equal(result.frame.data, make(frames, BLUE).frame.data)
        json.dumps(result.quality, allow_nan=False)


def test_a_few_missing_pixels_do_not_cost_a_member():
    rng = np.random.default_rng(6)
    frames = [expose(rng, 0.0) for _ in range(3)]
    frames[0].data[32:64, 200:300] = np.nan
    result = combine.combine_bias(frames, BLUE)
    assert result.rejected == []
    assert np.isfinite(result.frame.data).all()


def test_too_few_biases_are_refused_and_one_flat_is_enough():
    rng = np.random.default_rng(7)
    good = [expose(rng, 0.0) for _ in range(2)]
    with pytest.raises(UnusableFrame, match="Only 2 of the 3"):
        combine.combine_bias([*good, spoilt("constant", good[0])], BLUE)
    flat = expose(rng, 3000.0)
    assert combine.combine_flat([spoilt("nan", flat), flat], BLUE, None).quality["members"] == 1


@pytest.mark.parametrize("read_noise", [0.0, 1e-9, float("nan"), -3.0])
def test_a_header_without_read_noise_gets_the_measured_one(read_noise):
    rng = np.random.default_rng(8)
    blind = replace(BLUE, read_noise=read_noise)
    master = combine.combine_bias([expose(rng, 0.0) for _ in range(5)], blind)
    assert master.rejected == []
    part = (slice(1, SHAPE[0]), slice(10, 2055))
    for own in (master.frame, None):
        assert bias.subtract(expose(rng, 0.0), blind, own, part).read_noise == pytest.approx(4.74, rel=0.1)


def test_no_preview_and_no_figure_holds_nan():
    spectrum = extract(LongSlit(shape=(120, 400), sources=[Source(1500, 60)]).frame())[0]
    nothing = np.full_like(spectrum.flux, np.nan)
    header, _ = read_preview(spectrum_preview(replace(spectrum, flux=nothing, signal_to_noise=float("nan"))))
    assert header["signal_to_noise"] is None
    trace = replace(spectrum.trace, coefficients=(float("nan"),), fwhm=float("inf"))
    header, _ = read_preview(image_preview(LongSlit(shape=(40, 90)).frame(), [(trace, spectrum.apertures)]))
    assert header["targets"][0]["polynomial"]["coefficients"] == [None]
    assert known({"a": [1.0, float("nan"), (np.float64("inf"), 2)]}) == {"a": [1.0, None, [None, 2]]}
    slit = LongSlit(shape=(120, 400), sources=[Source(20000, 60)])
    frame, row = slit.frame(), np.arange(120)[:, None]
    core = np.abs(row - slit.trace(slit.sources[0])[None, :]) < 1.2  # saturated in every column
    extraction = analyse(frame.with_data(mask=np.where(core, MaskBit.SATURATED, 0).astype(np.uint8)))
    assert np.isnan(extraction.spectra[0].signal_to_noise)
    assert extraction.quality["targets"][0]["signal_to_noise"] is None
    json.dumps(extraction.quality, allow_nan=False)
    spectrum_preview(extraction.spectra[0])
