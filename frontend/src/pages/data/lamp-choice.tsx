// Which calibrations would serve a frame: the table of candidates, and the dialog to choose comparison lamps from it.

import { useId, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Candidates } from "../../api/types";
import { useResource } from "../../core/fetching";
import { fixed, figure, nightName, plural } from "../../core/format";
import { href } from "../../core/router";
import { Badge, Button, Dialog } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import type { LampProps } from "./lamps";
import { apart, chosenWords, toggled, type Candidate, type Kind, type Served } from "./candidates";

export const useCandidates = (raw: number | null, state = "") =>
  useResource(raw === null ? null : `candidates-${raw}-${state}`, (signal) => api.get<Candidates>(`/files/${raw}/candidates`, {}, signal));

function Marks({ one }: { one: Candidate }) {
  return (
    <>
      {one.used && <Badge kind="good">used</Badge>} {one.chosen && <Badge>automatic choice</Badge>}
      {one.rank === null && <Badge kind="warn">does not serve</Badge>}
    </>
  );
}

interface TableProps {
  kind: Kind;
  served: Served;
  label: string;
  /** With it, each candidate that serves can be ticked. */
  picked?: number[];
  pick?: (id: number) => void;
  full?: string | null;
}

/** Candidates in the pipeline's order, with what speaks for and against them. */
export function CandidatesTable({ kind, served, label, picked, pick, full }: TableProps) {
  const arcs = kind === "arc";
  const id = useId();
  return (
    <>
      {served.candidates.length === 0 ? (
        <Empty>
          {arcs ? "No comparison lamp of this night that you may see would serve." : `There is no master ${kind} that would serve yet.`}
        </Empty>
      ) : (
        <div class="table-box candidates" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead>
              <tr>
                {pick && <th scope="col"><span class="hidden">Take it</span></th>}
                <th scope="col" class="number">Rank</th>
                <th scope="col">{arcs ? "Lamp frame" : "Master"}</th>
                <th scope="col">{arcs ? "From the frame" : "Night"}</th>
                <th scope="col">Why</th>
                <th scope="col">{arcs ? "Angles: camera, grating" : "Made of"}</th>
              </tr>
            </thead>
            <tbody>
              {served.candidates.map((one) => (
                <tr key={one.id} class={one.rank === null ? "useless" : undefined}>
                  {pick && (
                    <td class="take">
                      <label class="take-box">
                        <input type="checkbox" checked={picked?.includes(one.id) ?? false}
                          disabled={one.rank === null || Boolean(full && !picked?.includes(one.id))}
                          aria-describedby={one.rank === null ? `${id}-${one.id}` : undefined}
                          onChange={() => pick(one.id)} />
                        <span class="hidden">Take {one.file_name}</span>
                      </label>
                    </td>
                  )}
                  <td class="number">{one.rank ?? "–"}</td>
                  <td class="name">
                    <a href={href("data", one.id, { list: arcs ? null : "calibrations" })} {...(pick ? { target: "_blank", rel: "opener" } : {})}>
                      {one.file_name}
                      {pick && <span class="hidden"> (in a new tab)</span>}
                    </a>
                    <div><Marks one={one} /></div>
                  </td>
                  <td class="when">{arcs && one.figures.minutes_apart !== undefined ? apart(one.figures.minutes_apart) : nightName(one.night)}</td>
                  <td class="why">
                    <ul id={`${id}-${one.id}`}>{one.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
                  </td>
                  <td>
                    {arcs
                      ? one.figures.camera_angle === undefined
                        ? "–"
                        : `${figure(one.figures.camera_angle, 4)}°, ${figure(one.figures.grating_angle, 4)}°`
                      : one.figures.members === undefined
                        ? "–"
                        : `${plural(one.figures.members, "frame")}${one.figures.saturated_percent ? `, ${fixed(one.figures.saturated_percent, 2)} % saturated` : ""}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {served.hidden > 0 && (
        <p class="soft">
          {plural(served.hidden, "more candidate is", "more candidates are")} of proposals that are not yours: not shown, though the
          automatic choice may take {served.hidden === 1 ? "it" : "them"}.
        </p>
      )}
    </>
  );
}

const TITLES = { extract: "Lamp for this extraction", wavelength: "Lamp for the wavelengths" };

/** Choose the comparison lamp for a frame: the automatic way, one, or two that bracket the exposure. */
export function LampChoice({ record, stage, close, ask }: LampProps) {
  const found = useCandidates(record.original_file_id ?? record.id);
  const [picked, pick] = useState<number[]>([]);
  const [own, setOwn] = useState(false);
  const name = useId();
  const served = found.data?.arc as Served | undefined;
  const candidates = served?.candidates ?? [];
  const full = picked.length >= 2 ? "Two are taken: untick one first." : null;
  const reason = !found.data ? "The lamps are still being looked up." : own && picked.length === 0 ? "Tick a lamp first." : null;
  return (
    <Dialog title={TITLES[stage]} close={close} wide>
      {found.error && !found.data ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Looking for lamps that would serve" />
      ) : !served ? (
        <Empty>{found.data.file_name} is no spectrum: no comparison lamp serves it.</Empty>
      ) : (
        <>
          <fieldset class="lamp-way">
            <legend>For {found.data.file_name}</legend>
            <label>
              <input type="radio" name={name} checked={!own} onChange={() => setOwn(false)} />
              <span>
                Automatic choice, the best:
                <span class="soft"> {automaticWords(candidates)}</span>
              </span>
            </label>
            <label>
              <input type="radio" name={name} checked={own} onChange={() => setOwn(true)} />
              <span>
                Lamps of my choice: one, or two that bracket the exposure
                <span class="soft" role="status"> {own ? chosenWords(candidates, picked) : ""} {own && full}</span>
              </span>
            </label>
          </fieldset>
          <CandidatesTable kind="arc" served={served} label="Comparison lamps" picked={own ? picked : []} full={own ? full : null}
            pick={(id) => {
              pick(own ? toggled(picked, id) : [id]);
              setOwn(true);
            }} />
        </>
      )}
      <footer>
        <Button onClick={close}>Cancel</Button>
        {served && (
          <Button kind="main" reason={reason} onClick={() => ask(own ? picked : [])}>
            {stage === "extract" ? "Extract with it" : "Calibrate with it"}
          </Button>
        )}
      </footer>
    </Dialog>
  );
}

function automaticWords(candidates: readonly Candidate[]): string {
  const names = candidates.filter((one) => one.chosen).map((one) => one.file_name);
  return names.length ? `now ${names.join(" and ")}` : "now none: it waits for one";
}
