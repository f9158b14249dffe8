"""Facet codes: given once, the same for every process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain import facets
from chalicelib.store import codes, items
from tests.filing import record


def test_a_code_decodes_in_a_process_that_never_saw_the_value(aws: None):
    values = facets.of(record(obstype="ARC", slit='odd "slit" é', wavmode=None))
    code = codes.encode(values)
    codes.forget()
    assert codes.decode(code) == values
    assert values["wavmode"] == ""
    assert codes.encode(values) == code


def test_codes_stay_short_and_apart(aws: None):
    given = [codes.encode(facets.of(record(slit=f"slit {n}", status=s))) for n in range(37) for s in ("done", "failed")]
    assert len(set(given)) == len(given)
    assert max(map(len, given)) <= 24


def test_writers_that_name_values_at_once_agree(aws: None):
    """Each starts a value at the same moment as the others, and none knows what they have named."""
    wall = threading.Barrier(4, timeout=60)

    def name_values(turn: int) -> dict[str, str]:
        own = {}
        for n in range(8):
            wall.wait()
            codes.forget()
            value = f"slit {(n * (turn + 1)) % 8}"
            own[value] = codes.encode(facets.of(record(slit=value)))
        return own

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(name_values, range(4)))
    codes.forget()
    agreed: dict[str, str] = {}
    for own in given:
        for value, code in own.items():
            assert codes.decode(code)["slit"] == value
            assert agreed.setdefault(value, code) == code
    assert len(set(agreed.values())) == len(agreed) == 8


@pytest.mark.parametrize("code", ["", "0_0_0_0_0_0_0_0_0_zz", "x" * 20, "0_" * 12 + "0", "-1"])
def test_a_code_never_given_is_refused(aws: None, code: str):
    with pytest.raises(codes.UnknownCode):
        codes.decode(code)


def test_a_restored_table_stops_nobody_for_ever(aws: None):
    """The lists went back to an earlier state below a running process: it says so, and reads anew from then on."""
    for slit in ("of yesterday", "of the day before"):
        codes.encode(facets.of(record(slit=slit)))
    items.write([items.operation("Delete", "counters", key={"counter": "codes"})])
    values = facets.of(record(slit="of today"))
    with pytest.raises(items.Contended, match="no code could be given to the"):
        codes.encode(values)
    assert codes.decode(codes.encode(values)) == values
