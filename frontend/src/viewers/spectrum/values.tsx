// The table of a spectrum's values.

import { useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import { figure, fixed, whole } from "../../core/format";
import type { Link } from "../link";
import { maskWords } from "./numbers";
import { ends, inView, type Scene, unitOf } from "./scene";

const ROWS = 200;

/** Values of what is in view, every n-th where they are many. */
export function Rows({ scene, link }: { scene: Scene; link: Link }) {
  const [view, setView] = useState(link.range.peek());
  useSignalEffect(() => {
    const now = link.range.value;
    const timer = setTimeout(() => setView(now), 200); // not at every step of a drag
    return () => clearTimeout(timer);
  });
  const { waves, columns, flux, error, preview, settings } = scene;
  const [first, last] = ends(scene);
  const [from, to] = inView(scene, view?.low ?? first, view?.high ?? last);
  const every = Math.max(1, Math.ceil((to - from) / ROWS));
  const unit = unitOf(scene);
  const rows: number[] = [];
  for (let i = from; i < to; i += every) rows.push(i);
  const which = every === 1 ? `All ${whole(to - from)}` : `Every ${every}${every === 2 ? "nd" : every === 3 ? "rd" : "th"} of ${whole(to - from)}`;
  return (
    <div class="table-box spectrum-table" tabIndex={0} role="region" aria-label="Values of the spectrum"
      onKeyDown={(event) => event.key.startsWith("Arrow") && event.stopPropagation()}>
      <table>
        <caption>
          {which} columns in view{settings.smooth > 1 ? `; flux smoothed over ${settings.smooth} pixels` : ""}. The CSV file has them all.
        </caption>
        <thead>
          <tr>
            <th scope="col" class="number">Column</th>
            {waves && <th scope="col" class="number">Wavelength ({settings.medium}, Å)</th>}
            <th scope="col" class="number">Flux ({unit})</th>
            <th scope="col" class="number">1σ error ({unit})</th>
            <th scope="col" class="number">Sky ({unit})</th>
            <th scope="col">Masked</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((i) => (
            <tr key={i}>
              <td class="number">{columns[i]}</td>
              {waves && <td class="number">{fixed(waves[i], 3)}</td>}
              <td class="number">{figure(flux[i], 5)}</td>
              <td class="number">{figure(error[i], 3)}</td>
              <td class="number">{figure(preview.sky[i], 4)}</td>
              <td>{maskWords(preview.mask[i] ?? 0) || "no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
