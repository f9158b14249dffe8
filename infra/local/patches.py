"""Functions replaced in somebody else's classes and modules, and how to put them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

Owner = type | ModuleType
Replacement = tuple[Owner, str, Callable[..., Any]]


class Patches:
    """The originals of replaced methods, by (class or module, name)."""

    def __init__(self) -> None:
        self._originals: dict[tuple[Owner, str], Callable[..., Any]] = {}

    def __getitem__(self, place: tuple[Owner, str]) -> Callable[..., Any]:
        """The method that was there before."""
        return self._originals[place]

    def install(self, replacements: Iterable[Replacement]) -> None:
        """Replace each ``class.name``; what is replaced already stays as it is."""
        for owner, name, replacement in replacements:
            if (owner, name) not in self._originals:
                self._originals[owner, name] = owner.__dict__[name]
                setattr(owner, name, replacement)

    def uninstall(self) -> None:
        """Put every original back."""
        for (owner, name), original in self._originals.items():
            setattr(owner, name, original)
        self._originals.clear()
