"""Spectra laid onto detector columns: exact integrals over binned columns, displaced along the tilted slit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .optics import LineSpread, Optics

#: Samples an unbinned pixel of the grid continua are computed on.
OVERSAMPLING = 4
#: Displacements at which columns are computed exactly; between them a polynomial (error below 1e-6 for real slits).
NODES = 9


@dataclass(frozen=True)
class Columns:
    """Electrons per binned column of one unbinned row, for each of a few displacements of the spectrum.

    Attributes
    ----------
    nodes : (k,) float64
        Displacements (:meth:`Optics.bow`), unbinned pixels.
    values : (k, nx) float64
        Electrons per binned column.
    """

    nodes: np.ndarray
    values: np.ndarray

    def __add__(self, other: Columns) -> Columns:
        return Columns(self.nodes, self.values + other.values)

    def weights(self, bow) -> np.ndarray:
        """(n, k) Lagrange weights that give the columns at displacement(s) ``bow``: ``weights(bow) @ values``."""
        bow = np.atleast_1d(np.asarray(bow, dtype=float))
        out = np.ones((bow.size, self.nodes.size))
        for i, node in enumerate(self.nodes):
            for j, other in enumerate(self.nodes):
                if i != j:
                    out[:, i] *= (bow - other) / (node - other)
        return out

    def at(self, bow) -> np.ndarray:
        """(n, nx) electrons per binned column at displacement(s) ``bow``."""
        return self.weights(bow) @ self.values


@dataclass(frozen=True)
class Grid:
    """The columns of one exposure: their edges, straightened, at each node.

    Attributes
    ----------
    optics : Optics
    spread : LineSpread
    nodes : (k,) float64
    edges : (k, nx + 1) float64
        Column edges, moved to where their light would fall in the middle of the slit.
    """

    optics: Optics
    spread: LineSpread
    nodes: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, optics: Optics, spread: LineSpread, first: int, columns: int, binning: int, bow: np.ndarray) -> Grid:
        """For ``columns`` binned columns from unbinned column ``first``; ``bow``: displacements that will be asked."""
        low, high = float(np.min(bow)), float(np.max(bow))
        middle, half = (low + high) / 2, max((high - low) / 2, 1e-3)
        nodes = middle + half * np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
        edges = first - 0.5 + binning * np.arange(columns + 1)
        return cls(optics, spread, nodes, np.stack([optics.straight(edges, node) for node in nodes]))

    def lines(self, wavelength: np.ndarray, electrons: np.ndarray) -> Columns:
        """Columns of unresolved lines at air ``wavelength`` (Angstrom) of ``electrons`` each."""
        place = self.optics.column(wavelength)
        out = np.zeros((self.nodes.size, self.edges.shape[1] - 1))
        step = self.edges[0, 1] - self.edges[0, 0]
        reach = int(np.ceil(self.spread.reach / step)) + 2
        inside = (place > self.edges.min() - self.spread.reach) & (place < self.edges.max() + self.spread.reach)
        place, electrons = place[inside], np.asarray(electrons, dtype=float)[inside]
        if place.size == 0:
            return Columns(self.nodes, out)
        for k, edges in enumerate(self.edges):
            first = np.clip(np.searchsorted(edges, place) - reach, 0, out.shape[1])
            window = first[:, None] + np.arange(2 * reach + 1)[None]
            window = np.minimum(window, out.shape[1])
            share = np.diff(self.spread.cumulative(edges[window] - place[:, None]), axis=1) * electrons[:, None]
            np.add.at(out[k], np.minimum(window[:, :-1], out.shape[1] - 1), share)
        return Columns(self.nodes, out)

    def continuum(self, density) -> Columns:
        """Columns of a spectrum ``density(wavelength) -> electrons per Angstrom`` (air, rising wavelengths)."""
        pad = int(np.ceil(self.spread.reach)) + 2
        low, high = np.floor(self.edges.min()) - pad, np.ceil(self.edges.max()) + pad
        cell = np.arange(low, high, 1 / OVERSAMPLING)
        wave = self.optics.wavelength(np.append(cell, cell[-1] + 1 / OVERSAMPLING))
        electrons = density((wave[1:] + wave[:-1]) / 2) * np.diff(wave)
        half = int(np.ceil(self.spread.reach * OVERSAMPLING))
        kernel = np.diff(self.spread.cumulative((np.arange(-half, half + 2) - 0.5) / OVERSAMPLING))
        blurred = np.convolve(electrons, kernel / kernel.sum(), mode="same")
        cumulative = np.concatenate([[0.0], np.cumsum(blurred)])
        borders = np.append(cell, cell[-1] + 1 / OVERSAMPLING)
        values = np.stack([np.diff(np.interp(edges, borders, cumulative)) for edges in self.edges])
        return Columns(self.nodes, values)
