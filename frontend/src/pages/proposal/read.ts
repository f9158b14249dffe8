// Proposals as the pages about them need them.

import { api } from "../../api/client";
import type { FullProposal, Page, Proposal } from "../../api/types";

/** So many proposals are on a page of the API. */
export const PAGE_SIZE = 20;

export const pageCount = (count: number | null | undefined, size = PAGE_SIZE): number => Math.max(1, Math.ceil((count ?? 0) / size));

export const listed = (page: number, semester: string, signal?: AbortSignal): Promise<Page<Proposal>> =>
  api.get<Page<Proposal>>("/proposals", { page, semester }, signal);

export const full = (id: string | number, signal?: AbortSignal): Promise<FullProposal> =>
  api.get<FullProposal>(`/proposals/${id}`, {}, signal);

/** "Vera Rubin", or the user name where there is no name. */
export const person = (user: { first_name: string; last_name: string; username: string }): string =>
  `${user.first_name} ${user.last_name}`.trim() || user.username;

export const ROLES: Record<string, string> = {
  pi: "You are the principal investigator",
  collaborator: "You are a collaborator",
  staff: "You see it as staff",
};

/** The semester of a moment: A begins with February, B with August. */
export function semesterOf(then: Date): string {
  const year = then.getUTCFullYear();
  const month = then.getUTCMonth() + 1;
  if (month === 1) return `${year - 1}B`;
  return `${year}${month < 8 ? "A" : "B"}`;
}

/** The next semester, the present one, and those before: for menus. */
export function recentSemesters(now: Date, many = 14): string[] {
  const present = semesterOf(now);
  const number = Number(present.slice(0, 4)) * 2 + (present.endsWith("B") ? 1 : 0) + 1;
  return Array.from({ length: many }, (_, i) => `${Math.floor((number - i) / 2)}${(number - i) % 2 ? "B" : "A"}`);
}
