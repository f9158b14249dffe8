// A raw frame and what was made of it, from its lineage: which tabs there are, and what each of them shows.

import type { Choices, Lineage } from "../../api/types";

export type Node = Lineage["nodes"][number];
export type ChoiceMade = Choices["results"][number];

export const RAW = "0";
export const MASTER = "1";
export const REDUCED = "2";
export const EXTRACTED = "3";
export const CALIBRATED = "4";
export const FLUX = "5";
export const AUTO = "auto";

/** The stages a frame of each type goes through, the last first. */
const CHAINS: Record<string, readonly string[]> = {
  SPECTRUM: [CALIBRATED, EXTRACTED, REDUCED],
  ARC: [REDUCED],
  EXPOSE: [REDUCED],
};

export interface Stage {
  /** Its data type. */
  type: string;
  /** What is there of it: targets in order, the automatic ones first. Empty: it is still waited for. */
  nodes: Node[];
}

export interface Family {
  /** The raw frame; a master is a family of its own. */
  root: Node;
  /** Newest product first; the raw frame last. */
  stages: Stage[];
  /** All files in tabs, by id. */
  members: ReadonlyMap<number, Node>;
  /** Ids of the members each member was made from or that were made from it. */
  related: ReadonlyMap<number, ReadonlySet<number>>;
  /** Masters the frame is a part of. */
  masters: Node[];
}

/** Whether a node is the root's own product: other frames are made with an arc, and lamps of other arcs beside them. */
function isOwn(node: Node, root: Node): boolean {
  if (node.relation !== "descendant" || node.obstype !== root.obstype) return false;
  if (![REDUCED, EXTRACTED, CALIBRATED, FLUX].includes(node.data_type)) return false;
  return node.obstype !== "ARC" || node.original_file_id === root.id;
}

/** The family of the file whose lineage it is: of a raw frame or a master; null for anything else. */
export function familyOf(lineage: Lineage): Family | null {
  const root = lineage.nodes.find((node) => node.id === lineage.id);
  if (!root || (root.data_type !== RAW && root.data_type !== MASTER)) return null;
  const frame = root.data_type === RAW;
  const own = frame ? lineage.nodes.filter((node) => isOwn(node, root)) : [];
  const members = new Map([...own, root].map((node) => [node.id, node]));
  const types = new Set([...own.map((node) => node.data_type), ...(frame ? (CHAINS[root.obstype ?? ""] ?? []) : [])]);
  const stages = [...types]
    .sort()
    .reverse()
    .map((type) => ({ type, nodes: own.filter((node) => node.data_type === type).sort(inOrder) }));
  const used = new Set(lineage.edges.filter((edge) => edge.from === root.id).map((edge) => edge.to));
  return {
    root,
    stages: [...stages, { type: root.data_type, nodes: [root] }],
    members,
    related: relations(lineage, members),
    masters: frame ? lineage.nodes.filter((node) => node.data_type === MASTER && used.has(node.id)) : [],
  };
}

function inOrder(a: Node, b: Node): number {
  return Number(b.variant === AUTO) - Number(a.variant === AUTO) || (a.target ?? 0) - (b.target ?? 0) || a.id - b.id;
}

function relations(lineage: Lineage, members: ReadonlyMap<number, Node>): Map<number, Set<number>> {
  const below = new Map<number, number[]>();
  for (const { from, to } of lineage.edges) {
    if (members.has(from) && members.has(to)) below.set(from, [...(below.get(from) ?? []), to]);
  }
  const found = new Map<number, Set<number>>([...members.keys()].map((id) => [id, new Set<number>()]));
  const walk = (start: number, at: number, seen: Set<number>): void => {
    for (const next of below.get(at) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      found.get(start)?.add(next);
      found.get(next)?.add(start);
      walk(start, next, seen);
    }
  };
  for (const id of members.keys()) walk(id, id, new Set([id]));
  return found;
}

export interface Wish {
  variant?: string | undefined;
  target?: number | null | undefined;
  /** The file shown before: what it was made from, or was made of it, comes first. */
  from?: number | undefined;
}

/** What a stage shows: as near as can be to what was looked at before. */
export function pick(family: Family, type: string, wish: Wish = {}): Node | undefined {
  const nodes = family.stages.find((stage) => stage.type === type)?.nodes ?? [];
  const near = wish.from === undefined ? undefined : family.related.get(wish.from);
  const score = (node: Node): number =>
    (wish.target != null && node.target === wish.target ? 8 : 0) +
    (near?.has(node.id) ? 4 : 0) +
    (node.variant === (wish.variant ?? AUTO) ? 2 : 0) +
    (node.variant === AUTO ? 1 : 0);
  return nodes.reduce<Node | undefined>((best, node) => (best && score(best) >= score(node) ? best : node), undefined);
}

/** The last stage there is of a variant: a data type. */
export const reached = (family: Family, variant: string): string =>
  family.stages.find((stage) => stage.nodes.some((node) => node.variant === variant))?.type ?? family.root.data_type;

/** The newest stage that is there. */
export function newest(family: Family): Stage {
  return family.stages.find((stage) => stage.nodes.length > 0) ?? { type: family.root.data_type, nodes: [family.root] };
}

/** Which product of a family the address means. */
export function meant(family: Family, id: number, tab: string | null): { tab: string; node: Node | undefined } {
  const member = family.members.get(id);
  if (member && member.id !== family.root.id) return { tab: member.data_type, node: member };
  const wanted = tab !== null && family.stages.some((stage) => stage.type === tab) ? tab : newest(family).type;
  return { tab: wanted, node: pick(family, wanted) };
}

/** The best of some files of a family: of the last stage, the first target. */
export function best(family: Family, ids: readonly number[]): Node | undefined {
  for (const stage of family.stages) {
    const found = stage.nodes.find((node) => ids.includes(node.id));
    if (found) return found;
  }
  return undefined;
}

/** The targets a stage has in the variant that is shown. */
export function targets(stage: Stage, variant: string): Node[] {
  const same = stage.nodes.filter((node) => node.variant === variant && node.target !== null);
  return new Set(same.map((node) => node.target)).size === same.length ? same : [];
}

/** For which spectrum a lamp was extracted: "0036_SN2026at.fits, target 2", or nothing if it is no such lamp. */
export function lampFor(node: Node): string {
  const [, name] = /_for_(.*)\.[^.]*$/.exec(node.file_name) ?? [];
  if (!name) return "";
  const frame = name.replace(/_choice_[0-9a-f]{6}$/, "").replace(/_target_\d+$/, "");
  return node.target === null ? frame : `${frame}, target ${node.target}`;
}

/** The variants of a stage, the automatic one first. */
export const variants = (family: Family): string[] =>
  [...new Set([...family.members.values()].map((node) => node.variant))].sort((a, b) => Number(b === AUTO) - Number(a === AUTO));

const WHAT: Record<string, string> = { reduce: "reduction", extract: "extraction", wavelength: "lamp", bias: "frames", flat: "frames" };

/** "aperture of pi" of somebody's choice. */
export function nameOfChoice(choice: ChoiceMade): string {
  const given = choice.parameters as Record<string, unknown>;
  const what =
    choice.stage === "extract" && Array.isArray(given.apertures)
      ? given.apertures.length === 1 ? "aperture" : `${given.apertures.length} apertures`
      : choice.stage === "extract" && Array.isArray(given.arcs) ? "lamp"
      : (WHAT[choice.stage] ?? choice.stage);
  return `${what} of ${choice.chosen_by}`;
}

/** What a stage that is not there waits for, in a sentence; `failed` where only trying again helps. */
export function awaited(family: Family): { failed: boolean; sentence: string } {
  const { status, status_reason: reason } = family.root;
  const failed = status === "failed" || status === "rejected";
  if (reason) return { failed, sentence: reason };
  return { failed, sentence: failed ? "The pipeline could not make it." : "The pipeline has not come to it yet; it appears here by itself." };
}
