// Wavelengths in air and in vacuum, by the formula of the pipeline (chalicelib/science/air.py): Peck & Reeder 1972, behind the
// air wavelengths of NIST. Ciddor 1996 and Morton 2000 agree with it to 0.0006 Å between 3000 and 11000 Å.

/** Below this vacuum wavelength (Å) no air wavelengths are in use; both scales coincide. */
const SHORTEST_IN_AIR = 2000;

function index(vacuum: number): number {
  if (!(vacuum >= SHORTEST_IN_AIR)) return 1;
  const s = (1e4 / vacuum) ** 2;
  return 1 + 0.05791817 / (238.0185 - s) + 0.00167909 / (57.362 - s);
}

export const vacuumToAir = (vacuum: number): number => vacuum / index(vacuum);

export function airToVacuum(air: number): number {
  let vacuum = air;
  for (let turn = 0; turn < 4; turn++) vacuum = air * index(vacuum);
  return vacuum;
}

export type Medium = "air" | "vacuum";

/** Where a line of laboratory air wavelength `air` is seen at redshift `z`: light is stretched in vacuum. */
export function observed(air: number, z: number, medium: Medium): number {
  const vacuum = airToVacuum(air) * (1 + z);
  return medium === "vacuum" ? vacuum : vacuumToAir(vacuum);
}

/** The redshift at which a line of laboratory air wavelength `air` is seen at `seen`: the inverse of {@link observed}. */
export function redshift(air: number, seen: number, medium: Medium): number {
  return (medium === "vacuum" ? seen : airToVacuum(seen)) / airToVacuum(air) - 1;
}
