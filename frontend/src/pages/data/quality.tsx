// What was measured on the way to a product, and with what it was calibrated: good or bad, said in words.

import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FileRecord, Lineage, Overlay, Visualization } from "../../api/types";
import { useResource } from "../../core/fetching";
import { dataType, plural } from "../../core/format";
import { href } from "../../core/router";
import { Choice, Status } from "../../parts/controls";
import { Icon } from "../../parts/icons";
import { Empty, Failed, Loading } from "../../parts/states";
import { isSpectrum, load } from "../../viewers/preview";
import type { PanelProps } from "./panels";
import {
  arcFacts, extractionFacts, flagSentences, leftOut, masterFacts, otherFacts, reductionFacts, texts, wavelengthFacts, zeroFacts,
  type Fact, type Open, type Solution, type ZeroPoint,
} from "./quality-facts";
import { LampPlot, ProfilePlot, ResidualPlot, TracePlot, ZeroPlot, type Traced } from "./quality-plots";
import { Why } from "./quality-why";

interface Step {
  record: FileRecord;
  details: Open;
  overlays: Visualization["overlays"];
}

/** The product and, up to the raw frame, what it was made of: what of it may still be read. */
async function chain(record: FileRecord, family: FileRecord[], signal: AbortSignal): Promise<Step[]> {
  const steps: Step[] = [];
  let next: FileRecord | null = record;
  while (next && next.data_type !== "0") {
    const here: FileRecord = next;
    try {
      const shown = await api.get<Visualization>(`/files/${here.id}/visualize`, {}, signal);
      steps.push({ record: here, details: shown.details, overlays: shown.overlays });
      const above = here.parent_file_id;
      next = above === null || above === here.id ? null : (family.find((one) => one.id === above) ?? (await api.get<FileRecord>(`/files/${above}`, {}, signal)));
    } catch (failure) {
      if (steps.length === 0 || signal.aborted) throw failure;
      next = null; // deleted meanwhile, or not for this viewer: what is below is still worth showing
    }
  }
  return steps;
}

export function QualityPanel({ record, family }: PanelProps) {
  const found = useResource(`quality-${record.id}-${record.sha256}`, (signal) => chain(record, family, signal));
  const raw = record.data_type === "0";
  return (
    <div class="quality">
      {record.failure && (
        <p class="note bad">
          <strong>Failed in {record.failure.block}.</strong> {record.failure.sentence}
        </p>
      )}
      {record.provisional && <p class="note warn">Provisional: {record.status_reason}</p>}
      {raw ? (
        <RawWords record={record} family={family} />
      ) : found.error && !found.data ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Reading what was measured" />
      ) : (
        <>
          <InShort steps={found.data} />
          {found.data.map((step, i) => <StepShown key={step.record.id} step={step} first={i === 0} below={found.data?.[i - 1]?.record ?? null} />)}
        </>
      )}
      {record.data_type !== "1" && (
        <section class="panel" aria-label="Calibrations">
          <h2>Calibrations, and why these</h2>
          <Why record={record} />
        </section>
      )}
    </div>
  );
}

function RawWords({ record, family }: PanelProps) {
  const made = family.filter((one) => one.data_type !== "0").sort((a, b) => Number(b.data_type) - Number(a.data_type));
  return (
    <section class="panel" aria-label="Raw frame">
      <h2>Raw frame</h2>
      <p>
        Nothing is measured on a raw frame itself; each of its products tells what was measured on the way to it.
        {record.status_reason && ` ${record.status_reason}`}
      </p>
      {made.length > 0 ? (
        <ul>
          {made.map((one) => (
            <li key={one.id}>
              {dataType(one.data_type)}: <a href={href("data", one.id, { panel: "quality" })}>{one.file_name}</a>
            </li>
          ))}
        </ul>
      ) : (
        <p class="soft"><Status status={record.status} reason={record.status_reason} /> There are no products yet.</p>
      )}
    </section>
  );
}

const STEP_NAMES: Record<string, string> = { "1": "Master calibration", "2": "Reduction", "3": "Extraction", "4": "Wavelengths", "5": "Flux" };

const lampOf = ({ record }: Step): boolean => record.obstype === "ARC" && record.data_type !== "2";

function factsOf(step: Step): Fact[] {
  const d = step.details;
  const type = step.record.data_type;
  return [
    ...(type === "4" ? [...wavelengthFacts(d), ...zeroFacts(d), ...arcFacts(d)] : []),
    ...(type === "3" && !lampOf(step) ? extractionFacts(d) : []),
    ...(type === "2" ? reductionFacts(d) : []),
    ...(type === "1" ? masterFacts(d) : []),
    ...otherFacts(d),
  ];
}

/** For a look at three in the morning: what stands out, or that nothing does. */
function InShort({ steps }: { steps: Step[] }) {
  const facts = steps.flatMap(factsOf).filter((one) => one.verdict);
  if (facts.length === 0) return null;
  const odd = facts.filter((one) => one.verdict !== "good").sort((a, b) => Number(b.verdict === "bad") - Number(a.verdict === "bad"));
  const good = plural(facts.length - odd.length, "figure is as it should be", "figures are as they should be");
  return (
    <section class="panel" aria-label="In short">
      <h2>In short</h2>
      {odd.length === 0 ? (
        <p class="verdict good"><Icon name="check" /> Nothing stands out: {good}.</p>
      ) : (
        <>
          <Facts facts={odd} />
          <p class="soft">{facts.length > odd.length ? `${good}.` : ""}</p>
        </>
      )}
    </section>
  );
}

function StepShown({ step, first, below }: { step: Step; first: boolean; below: FileRecord | null }) {
  const { record, details: d, overlays } = step;
  const type = record.data_type ?? "";
  const lamp = lampOf(step);
  const facts = factsOf(step);
  const solution = d.solution as Solution | undefined;
  const zero = d.zero as ZeroPoint | undefined;
  const name = lamp ? `${STEP_NAMES[type] ?? dataType(type)} of the lamp` : (STEP_NAMES[type] ?? dataType(type));
  return (
    <section class="panel" aria-label={name}>
      <h2>{name}</h2>
      {!first && (
        <p class="soft">
          Measured on <a href={href("data", record.id)}>{record.file_name}</a>, of which this file was made.
        </p>
      )}
      {facts.length ? <Facts facts={facts} /> : <Empty>{lamp ? "This is the lamp along a target's trace: nothing is measured on it but its lines." : "Nothing was measured on this product."}</Empty>}
      <Sentences step={step} />
      <div class="figures">
        {solution && type === "4" && <ResidualPlot solution={solution} details={d} />}
        {solution && type === "4" && <Lamps record={record} solution={solution} />}
        {solution && zero && <ZeroPlot zero={zero} solution={solution} />}
        {type === "3" && <ExtractionPlots details={d} />}
        {type === "2" && <TracePlot traced={overlaysOf(overlays, below)} />}
      </div>
    </section>
  );
}

/** Of a reduced frame all its traces; on the way up from a spectrum it has been drawn already. */
function overlaysOf(overlays: Visualization["overlays"], below: FileRecord | null): Traced[] {
  return below ? [] : overlays.map((one, i) => ({ name: `Target ${one.target ?? i + 1}`, overlay: one.overlay }));
}

function ExtractionPlots({ details }: { details: Open }) {
  const overlay = details.overlay as Overlay | undefined;
  const profile = details.profile as number[] | undefined;
  return (
    <>
      {overlay && <TracePlot traced={[{ name: "Trace", overlay }]} />}
      {overlay && profile && <ProfilePlot profile={profile} overlay={overlay} />}
    </>
  );
}

const WORDS = { good: "good", warn: "look at it", bad: "bad" };

/** Figures with their verdict: a mark with a shape of its own, and words. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="facts measured">
      {facts.map((one) => (
        <div key={one.name}>
          <dt>{one.name}</dt>
          <dd>
            {one.value}
            {(one.verdict || one.words) && (
              <span class={`verdict ${one.verdict ?? ""}`}>
                {one.verdict && <Icon name={one.verdict === "good" ? "check" : "warning"} />} {one.words ?? (one.verdict && WORDS[one.verdict])}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Sentences({ step: { details, record } }: { step: Step }) {
  const zero = details.zero as ZeroPoint | undefined;
  const notes = [...texts(details.wavelength_notes), ...flagSentences(details, record.obstype)];
  const out = leftOut(details);
  return (
    <>
      {zero?.reason && <p class={zero.verified ? "note" : "note warn"}>{zero.reason}</p>}
      {notes.map((note) => <p key={note} class="note warn">{note}</p>)}
      {record.data_type === "1" && (
        <>
          <h3>Frames left out</h3>
          {out.length ? (
            <ul>{out.map(([name, reason]) => <li key={name}><span class="mono">{name}</span>: {reason}</li>)}</ul>
          ) : (
            <p class="soft">None: all frames of the pool are in it.</p>
          )}
        </>
      )}
    </>
  );
}

/** The lamps along the target's trace: products of the arcs, found as what was made of the same extracted spectrum. */
async function lampsOf(record: FileRecord, signal: AbortSignal): Promise<FileRecord[]> {
  if (record.obstype === "ARC") return [record];
  const { nodes } = await api.get<Lineage>(`/files/${record.parent_file_id}/lineage`, {}, signal);
  const own = nodes.filter((one) => one.obstype === "ARC" && one.data_type === "4" && one.target === record.target && one.variant === record.variant);
  return Promise.all(own.slice(0, 4).map((one) => api.get<FileRecord>(`/files/${one.id}`, {}, signal)));
}

function Lamps({ record, solution }: { record: FileRecord; solution: Solution }) {
  const lamps = useResource(`lamps-${record.id}-${record.sha256}`, (signal) => lampsOf(record, signal));
  const [chosen, choose] = useState<string>("0");
  const lamp = lamps.data?.[Number(chosen)] ?? lamps.data?.[0];
  const drawn = useResource(lamp ? `lamp-${lamp.id}-${lamp.sha256}` : null, async (signal) => {
    const [preview, shown] = await Promise.all([load(lamp as FileRecord, signal), api.get<Visualization>(`/files/${lamp?.id}/visualize`, {}, signal)]);
    return { preview, solution: (shown.details.solution as Solution | undefined) ?? solution };
  }, { keep: true });
  if (lamps.error) return <Failed error={lamps.error} retry={lamps.reload} />;
  if (!lamps.data) return <Loading what="Looking for the lamp" />;
  if (!lamp) return <Empty>The lamp's own spectrum is not there: only its lines are known.</Empty>;
  if (drawn.error) return <Failed error={drawn.error} retry={drawn.reload} />;
  return (
    <div class="lamp-drawn">
      {lamps.data.length > 1 && (
        <Choice label="Lamp" value={chosen} change={choose} inline options={lamps.data.map((one, i) => [String(i), one.original_file ?? String(one.id)] as const)} />
      )}
      {drawn.data && isSpectrum(drawn.data.preview) ? (
        <LampPlot name={lamp.original_file ?? lamp.file_name ?? ""} lamp={drawn.data.preview} solution={drawn.data.solution} />
      ) : (
        <Loading what="Fetching the lamp" />
      )}
    </div>
  );
}
