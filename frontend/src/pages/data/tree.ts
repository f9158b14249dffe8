// A lineage graph as a tree one can read: each file's branches are written out once.

import type { Lineage } from "../../api/types";

export type LineageNode = Lineage["nodes"][number];

export interface Branch {
  node: LineageNode;
  /** What the file was to the one it was used for. */
  role: string;
  next: Branch[];
  /** Its own branches stand elsewhere in the tree already. */
  shown: boolean;
}

/** Masters and lamps after the frame's own line; members of a master last. */
const ORDER = ["reduced", "spectrum", "raw", "arc", "bias", "flat", "member"];

const rank = (role: string): number => (ORDER.indexOf(role) + ORDER.length + 1) % (ORDER.length + 1);

/** What the file was made from (up; its `parent` first), or what was made from it (down). */
export function branches(lineage: Pick<Lineage, "id" | "nodes" | "edges">, way: "up" | "down", parent: number | null = null): Branch[] {
  const nodes = new Map(lineage.nodes.map((node) => [node.id, node]));
  const next = new Map<number, { id: number; role: string }[]>();
  for (const { from, to, role } of lineage.edges) {
    const [here, there] = way === "up" ? [to, from] : [from, to];
    const list = next.get(here) ?? [];
    if (!list.some((one) => one.id === there && one.role === role)) list.push({ id: there, role });
    next.set(here, list);
  }
  const written = new Set<number>([lineage.id]);
  const grow = (id: number): Branch[] => {
    const found: Branch[] = [];
    const sorted = [...(next.get(id) ?? [])].sort(
      (a, b) => Number(b.id === parent) - Number(a.id === parent) || rank(a.role) - rank(b.role) || a.id - b.id,
    );
    for (const one of sorted) {
      const node = nodes.get(one.id);
      if (!node || one.id === lineage.id) continue;
      const again = written.has(one.id) && (next.get(one.id)?.length ?? 0) > 0;
      written.add(one.id);
      found.push({ node, role: one.role, next: [], shown: again });
    }
    for (const branch of found) if (!branch.shown) branch.next = grow(branch.node.id);
    return found;
  };
  return grow(lineage.id);
}
