"""The rules for new passwords, and how passwords are kept."""

from __future__ import annotations

import gzip

import pytest

from chalicelib.domain import letters, passwords
from chalicelib.domain.passwords import ALL_NUMERIC, TOO_COMMON, TOO_SHORT, TOO_SIMILAR, broken_rules

VERA = ("vera.rubin", "Vera", "Rubin", "vera@carnegie.example")


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("kite-lamp-rain", []),
        ("Ðarkmåtter", []),
        ("short1!", [TOO_SHORT]),
        ("password1", [TOO_COMMON]),
        ("PassWord1", [TOO_COMMON]),
        ("12345678", [TOO_COMMON, ALL_NUMERIC]),
        ("7391046285", [ALL_NUMERIC]),
        ("٧٣٩١٠٤٦٢", [ALL_NUMERIC]),
        ("7391", [TOO_SHORT, ALL_NUMERIC]),
        ("verarubin", [TOO_SIMILAR]),
        ("Rubin.Vera", [TOO_SIMILAR]),
        ("xCarnegie", [TOO_SIMILAR]),
        ("vera", [TOO_SIMILAR, TOO_SHORT, TOO_COMMON]),
        ("carnation-veranda-rubicon", []),
    ],
)
def test_rules(password: str, broken: list[str]):
    assert broken_rules(password, VERA) == broken


def test_the_sentences_are_the_originals():
    assert passwords.RULES == (
        "Your password can’t be too similar to your other personal information.",
        "Your password must contain at least 8 characters.",
        "Your password can’t be a commonly used password.",
        "Your password can’t be entirely numeric.",
    )


def test_a_long_password_is_judged_by_what_is_in_it_and_empty_facts_by_nothing():
    assert broken_rules("a" + "kitelamprainfog" * 13, ["a", "", "k"]) == []
    assert broken_rules("kite-lamp-rain", ["", ""]) == []


def test_the_list_of_common_passwords_is_a_real_one():
    assert len(passwords.common()) > 10_000
    assert {"password", "qwertyuiop", "letmein1", "iloveyou"} <= passwords.common()
    assert all(word == word.lower().strip() for word in passwords.common())
    assert passwords.COMMON.stat().st_size < 100_000
    with gzip.open(passwords.COMMON, "rt") as lines:
        assert next(lines)
    licence = passwords.COMMON.with_name("LICENSE.django.txt").read_text()
    assert "Redistribution and use in source and binary forms" in licence


def test_a_password_is_kept_with_its_parameters():
    kept = passwords.stored("kite-lamp-rain", b"0123456789abcdef")
    kind, n, r, p, _, key = kept.split("$")
    assert (kind, n, r, p) == ("scrypt", "32768", "8", "3")
    assert len(key) == 44
    assert passwords.matches("kite-lamp-rain", kept)
    assert "kite" not in kept
    assert not passwords.outdated(kept)


def test_other_parameters_still_match_and_count_as_outdated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "N", 2**4)
    old = passwords.stored("kite-lamp-rain", b"salt")
    monkeypatch.undo()
    assert passwords.matches("kite-lamp-rain", old)
    assert not passwords.matches("kite-lamp-rain ", old)
    assert passwords.outdated(old)


def test_accents_match_however_they_are_composed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "N", 2**4)
    kept = passwords.stored("Ma\N{LATIN SMALL LETTER N WITH TILDE}ana-kite", b"salt")
    assert passwords.matches("Man\N{COMBINING TILDE}ana-kite", kept)


@pytest.mark.parametrize("kept", ["", "scrypt", "plain$1$2$3$a$b", "scrypt$x$8$3$AA==$AA==", "scrypt$16$8$3$?$AA=="])
def test_what_is_no_password_matches_none(kept: str):
    assert not passwords.matches("", kept)
    assert not passwords.matches("x", kept)


def test_what_nobody_has_costs_as_much_and_matches_nothing(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def scrypt(secret: bytes, **parameters: object) -> bytes:
        asked.append((parameters["n"], parameters["r"], parameters["p"], parameters["dklen"], len(parameters["salt"])))  # type: ignore[arg-type]
        return b"1" * 32

    monkeypatch.setattr(passwords.hashlib, "scrypt", scrypt)
    kept = passwords.stored("kite-lamp-rain", b"0123456789abcdef")
    assert not passwords.matches("x", passwords.nobody())
    assert passwords.matches("x", kept)
    assert asked[0] == asked[1] == asked[2] == (2**15, 8, 3, 32, 16)


LINK = "https://goodman.example/#/set-password/abc"


@pytest.mark.parametrize(
    "letter",
    [
        letters.invitation("Vera", "vera", LINK),
        letters.password_reset("Vera", "vera", LINK),
        letters.password_changed("Vera", "vera"),
        letters.email_confirmation("Vera", "vera", LINK),
        letters.email_changed("Vera", "vera", "new@example.org"),
        letters.added_to_proposal("Vera", "SOAR2026B-014", "Supernovae", LINK),
        letters.added_to_proposal("", "SOAR2026B-014", "", LINK),
    ],
    ids=lambda letter: letter.subject,
)
def test_letters_are_whole_sentences_to_somebody(letter: letters.Letter):
    assert letter.subject and "\n" not in letter.subject
    assert letter.text.startswith(("Dear Vera,\n\n", "Dear colleague,\n\n"))
    assert letter.text.endswith("\n\nGoodman Live\n")
    assert "None" not in letter.text and "  " not in letter.text
    for paragraph in letter.text.split("\n\n")[1:-1]:
        assert paragraph[-1] in ".:" or paragraph.endswith(LINK), paragraph


def test_an_invitation_says_what_must_be_known():
    text = letters.invitation("Vera", "vera", LINK).text
    for sentence in (LINK, "vera", "24 hours", *passwords.RULES, *letters.CREDENTIALS, *letters.NETWORK_ACCESS):
        assert sentence in text
