// Lines to lay over a spectrum: laboratory wavelengths in Å, in air (below 2000 Å in vacuum).
//
// Sources: NIST Atomic Spectra Database 5 (H, He, C, N, O, Na, Mg, Si, S, Ca, Fe); blends of several lines at the wavelength the
// field calls them by. Broad lines of quasars: Vanden Berk et al. 2001, AJ 122, 549, Table 2. Night sky: UVES atlas, Hanuschik
// 2003, A&A 407, 1157, and Hg by NIST, as in chalicelib/science/data/airglow.csv. Telluric bands: heads and ends as in the solar
// atlas of Kitt Peak.

export interface LineList {
  id: string;
  name: string;
  /** Whether the lines move with the redshift; those of our own air do not. */
  moves: boolean;
  lines: readonly (readonly [wavelength: number, label: string, end?: number])[];
}

export const LISTS: readonly LineList[] = [
  {
    id: "h", name: "Hydrogen", moves: true,
    lines: [
      [6562.79, "Hα"], [4861.35, "Hβ"], [4340.47, "Hγ"], [4101.73, "Hδ"], [3970.08, "Hε"], [3889.06, "H8"], [3835.4, "H9"],
      [3797.91, "H10"], [3770.63, "H11"], [9229.01, "Pa9"], [9014.91, "Pa10"], [8862.78, "Pa11"], [8750.47, "Pa12"],
    ],
  },
  {
    id: "he", name: "Helium", moves: true,
    lines: [
      [3888.65, "He I"], [4026.19, "He I"], [4471.48, "He I"], [4713.15, "He I"], [4921.93, "He I"], [5015.68, "He I"], [5875.62, "He I"],
      [6678.15, "He I"], [7065.19, "He I"], [7281.35, "He I"], [4541.59, "He II"], [4685.7, "He II"], [5411.52, "He II"],
    ],
  },
  {
    id: "gal", name: "Galaxy emission", moves: true,
    lines: [
      [3726.03, "[O II]"], [3728.82, "[O II]"], [3868.76, "[Ne III]"], [4340.47, "Hγ"], [4363.21, "[O III]"], [4861.35, "Hβ"],
      [4958.91, "[O III]"], [5006.84, "[O III]"], [5754.59, "[N II]"], [6300.3, "[O I]"], [6363.78, "[O I]"], [6548.05, "[N II]"],
      [6562.79, "Hα"], [6583.45, "[N II]"], [6716.44, "[S II]"], [6730.82, "[S II]"], [7135.79, "[Ar III]"], [9068.6, "[S III]"],
      [9530.6, "[S III]"],
    ],
  },
  {
    id: "abs", name: "Stars: Ca, Mg, Na, Fe", moves: true,
    lines: [
      [3933.66, "Ca K"], [3968.47, "Ca H"], [4226.73, "Ca I"], [4304.4, "G band"], [4383.54, "Fe I"], [5167.32, "Mg b"], [5172.68, "Mg b"],
      [5183.6, "Mg b"], [5269.54, "Fe I"], [5889.95, "Na D"], [5895.92, "Na D"], [8498.02, "Ca II"], [8542.09, "Ca II"], [8662.14, "Ca II"],
    ],
  },
  {
    id: "sn", name: "Supernovae", moves: true,
    lines: [
      [3945.1, "Ca H&K"], [4129.8, "Si II"], [4481.2, "Mg II"], [4923.93, "Fe II"], [5018.44, "Fe II"], [5169.03, "Fe II"], [5453.86, "S II"],
      [5639.98, "S II"], [5875.62, "He I"], [5972, "Si II"], [6355, "Si II"], [6562.79, "Hα"], [6580, "C II"], [7773.75, "O I"],
      [8579, "Ca II"],
    ],
  },
  {
    id: "qso", name: "Quasars, broad", moves: true,
    lines: [
      [1215.67, "Lyα"], [1240.14, "N V"], [1396.76, "Si IV"], [1549.06, "C IV"], [1908.73, "C III]"], [2797.92, "Mg II"], [4340.47, "Hγ"],
      [4861.35, "Hβ"], [6562.79, "Hα"],
    ],
  },
  {
    id: "atm", name: "Telluric bands", moves: false,
    lines: [
      [6276, "O₂ γ", 6317], [6867, "O₂ B", 6944], [7160, "H₂O", 7340], [7593, "O₂ A", 7715], [8125, "H₂O", 8345], [8920, "H₂O", 9250],
      [9300, "H₂O", 9800],
    ],
  },
  {
    id: "sky", name: "Night sky", moves: false,
    lines: [
      [4046.56, "Hg"], [4358.34, "Hg"], [5198.9, "[N I]"], [5460.75, "Hg"], [5577.35, "[O I]"], [5889.95, "Na"], [5895.92, "Na"],
      [6300.3, "[O I]"], [6363.77, "[O I]"], [7276.43, "OH"], [7316.29, "OH"], [7340.9, "OH"], [7750.66, "OH"], [7794.12, "OH"],
      [7821.52, "OH"], [7913.72, "OH"], [7964.66, "OH"], [7993.34, "OH"], [8344.62, "OH"], [8399.18, "OH"], [8430.18, "OH"], [8827.12, "OH"],
      [8885.86, "OH"], [8919.62, "OH"], [8958.1, "OH"], [9313.35, "OH"], [9375.98, "OH"], [9439.67, "OH"], [9476.93, "OH"], [9791.12, "OH"],
    ],
  },
];
