"""Parameters of paths and queries: declared once, read, bounded, refused with a sentence, described in OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

from ..domain.nights import FILES_PER_NIGHT
from .problems import BadParameter

MOST_VALUES = 50
"""Values one parameter may be given, unless it says otherwise."""

LONGEST = 200
"""Characters of a text parameter, unless it says otherwise."""

LARGEST_ID = 99_999_999 * FILES_PER_NIGHT + FILES_PER_NIGHT - 1
LARGEST_PAGE = 10_000_000
LARGEST_NUMBER = 10**12
"""Of what is numbered by a counter: proposals, users, comments."""

_NIGHT = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter and what it may be.

    Attributes
    ----------
    kind
        ``integer`` (``low`` to ``high``), ``text`` (at most ``longest`` characters; ``pattern`` must match all of it;
        ``says`` is that in words, the end of "it must be"),
        ``choice`` (one of ``choices``), ``night`` (``yyyymmdd`` or ``yyyy-mm-dd``; an int), ``flag`` (1, true, 0,
        false; a bool).
    many
        May be given several times, at most ``most``: the value is a tuple.
    default
        The value where it is absent (of one that is ``many``: the empty tuple).
    """

    name: str
    kind: Literal["integer", "text", "choice", "night", "flag"] = "text"
    help: str = ""
    low: int = 0
    high: int = LARGEST_NUMBER
    choices: Sequence[str] = ()
    pattern: str = ""
    says: str = ""
    longest: int = LONGEST
    shortest: int = 0
    many: bool = False
    most: int = MOST_VALUES
    required: bool = False
    default: Any = None
    place: ClassVar[str] = "query"

    def read(self, given: Sequence[str]) -> Any:
        """The value of what was given.

        Raises
        ------
        BadParameter
            It cannot be meant; the sentence says what would do.
        """
        if not given:
            if self.required:
                raise BadParameter(f"The parameter {self.name} must be given.")
            return () if self.many else False if self.kind == "flag" and self.default is None else self.default
        if self.many:
            if len(given) > self.most:
                raise BadParameter(f"The parameter {self.name} is given {len(given)} times; at most {self.most} do.")
            return tuple(self._one(text) for text in given)
        if len(given) > 1:
            raise BadParameter(f"The parameter {self.name} must be given once.")
        return self._one(given[0])

    def _one(self, text: str) -> Any:
        return getattr(self, f"_{self.kind}")(text)

    def _integer(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,15}", text) or not self.low <= int(text) <= self.high:
            raise BadParameter(
                f"{self._named} is {_short(text)}; it must be a whole number from {self.low} to {self.high}."
            )
        return int(text)

    def _text(self, text: str) -> str:
        if not self.shortest <= len(text) <= self.longest:
            raise BadParameter(f"{self._named} has {len(text)} characters; {self.shortest} to {self.longest} do.")
        if not text.isprintable():
            raise BadParameter(f"{self._named} has characters that cannot be printed.")
        if self.pattern and not re.fullmatch(self.pattern, text):
            wanted = f"be {self.says}" if self.says else f"have the form {self.pattern}"
            raise BadParameter(f"{self._named} is {_short(text)}; it must {wanted}.")
        return text

    def _choice(self, text: str) -> str:
        if text not in self.choices:
            raise BadParameter(f"{self._named} is {_short(text)}; it must be one of {', '.join(self.choices)}.")
        return text

    def _night(self, text: str) -> int:
        digits = text.replace("-", "")
        try:
            if not _NIGHT.fullmatch(text):
                raise ValueError
            date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            raise BadParameter(f"{self._named} must be one date, like 20261121 or 2026-11-21.") from None
        return int(digits)

    def _flag(self, text: str) -> bool:
        if text.lower() not in _FLAGS:
            raise BadParameter(f"{self._named} must be 1 or 0.")
        return _FLAGS[text.lower()]

    @property
    def _named(self) -> str:
        return (
            f"The parameter {self.name}" if self.place == "query" else f"The {self.name.replace('_', ' ')} in the path"
        )

    def document(self) -> dict[str, Any]:
        """The parameter as OpenAPI describes it."""
        schema = self._schema()
        if self.default is not None:
            schema["default"] = self.default
        body: dict[str, Any] = {"name": self.name, "in": self.place, "schema": schema}
        if self.many:
            body["schema"] = {"type": "array", "items": schema, "maxItems": self.most}
        if self.help:
            body["description"] = self.help
        if self.required or self.place == "path":
            body["required"] = True
        return body

    def _schema(self) -> dict[str, Any]:
        if self.kind == "integer":
            return {"type": "integer", "minimum": self.low, "maximum": self.high}
        if self.kind == "choice":
            return {"type": "string", "enum": list(self.choices)}
        if self.kind == "night":
            return {"type": "string", "pattern": f"^{_NIGHT.pattern}$", "examples": ["20261121"]}
        if self.kind == "flag":
            return {"type": "string", "enum": list(_FLAGS)}
        schema: dict[str, Any] = {"type": "string", "minLength": self.shortest, "maxLength": self.longest}
        return schema | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


class Query(Parameter):
    """A parameter of the query."""


class Path(Parameter):
    """A variable part of the path; the value is required."""

    place: ClassVar[str] = "path"


FILE_ID = Path("identifier", "integer", low=1, high=LARGEST_ID, help="The file's id.")
NUMBER = Path("identifier", "integer", low=1, high=LARGEST_NUMBER, help="The number of a proposal, user or comment.")
PAGE = Query("page", "integer", low=1, high=LARGEST_PAGE, default=1, help="The page, from 1.")
NIGHTS = (
    Query("night", "night", help="Only this night."),
    Query("first_night", "night", help="Only this night and later ones."),
    Query("last_night", "night", help="Only this night and earlier ones."),
)


def read(declared: Sequence[Parameter], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The values of all declared parameters.

    Raises
    ------
    BadParameter
        One cannot be used, or one is not known: a mistyped filter must not look like an answer about everything.
    """
    names = {parameter.name for parameter in declared}
    unknown = sorted(set(given) - names)
    if unknown:
        known = f"known are {', '.join(sorted(names))}" if names else "none is known"
        raise BadParameter(f"The parameter {_short(unknown[0])} is not known here; {known}.")
    return {parameter.name: parameter.read(given.get(parameter.name, ())) for parameter in declared}


def everything(request: Any) -> dict[str, list[str]]:
    """Every parameter of the query with its values."""
    parameters = request.query_params
    return {} if parameters is None else {name: parameters.getlist(name) for name in parameters}


def _short(text: str) -> str:
    return repr(text[:60])
