// The lines of the lists asked for, where they are seen in a spectrum.

import { observed } from "./air";
import { LISTS } from "./lines";
import { columnOf, ends, type Mark, type Scene } from "./scene";

export function marksOf(scene: Scene): Mark[] {
  const { settings } = scene;
  const [first, last] = ends(scene);
  const found = new Map<string, Mark>();
  for (const list of LISTS) {
    if (!settings.lists.includes(list.id)) continue;
    const z = list.moves ? settings.z : 0;
    for (const [rest, label, end] of list.lines) {
      const column = columnOf(scene, observed(rest, z, settings.medium));
      const until = end === undefined ? undefined : columnOf(scene, observed(end, z, settings.medium));
      const [low, high] = [Math.min(column, until ?? column), Math.max(column, until ?? column)];
      if (high < first || low > last) continue;
      found.set(`${rest} ${label} ${list.moves}`, { rest, label, moves: list.moves, column: until === undefined ? column : low, ...(until === undefined ? {} : { end: high }) });
    }
  }
  return [...found.values()].sort((a, b) => a.column - b.column);
}
