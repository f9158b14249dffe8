/** The semester that a SOAR id names, if it does: "2026B" of "SOAR2026B-014". */
export function semesterIn(soarId: string): string | null {
  return /(?<![0-9])(20[0-9]{2}[AB])(?![0-9A-Z])/.exec(soarId.toUpperCase())?.[1] ?? null;
}
