/** 20261109 of "2026-11-09"; null of anything else. */
export function nightNumber(date: string): number | null {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Number(date.replaceAll("-", "")) : null;
}
