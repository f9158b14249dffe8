// Which calibrations a product was made with, and why these.

import { plural } from "../../core/format";
import { href } from "../../core/router";
import { Badge } from "../../parts/controls";
import { Disclosure } from "../../parts/chart";
import { Failed, Loading } from "../../parts/states";
import { Refused } from "../../api/client";
import type { FileRecord } from "../../api/types";
import { KINDS, servedOf, servingWords, type Served } from "./candidates";
import { CandidatesTable, useCandidates } from "./lamp-choice";

/** Masters and arcs of a frame, each with the reasons for it; all the others behind a disclosure. */
export function Why({ record }: { record: FileRecord }) {
  const raw = record.original_file_id ?? record.id;
  const found = useCandidates(raw, `${record.sha256}`);
  if (found.error && !found.data) {
    const none = found.error instanceof Refused && found.error.status === 409;
    return none ? <p class="soft">{found.error instanceof Error ? found.error.message : ""}</p> : <Failed error={found.error} retry={found.reload} />;
  }
  if (!found.data) return <Loading what="Looking up the calibrations" />;
  const inputs = new Set((record.inputs ?? []).map((one) => one.id));
  const kinds = KINDS.map(([kind, name]) => ({ kind, name, served: servedOf(found.data as NonNullable<typeof found.data>, kind) }));
  return (
    <>
      {kinds.map(({ kind, name, served }) =>
        served ? (
          <section key={kind} class="why-kind">
            <h3>{name}</h3>
            <Used served={served} own={inputs} name={name} list={kind === "arc" ? null : "calibrations"} />
            <Disclosure title={`All candidates: ${servingWords(served)}`}>
              {() => <CandidatesTable kind={kind} served={served} label={`${name}: candidates`} />}
            </Disclosure>
          </section>
        ) : null,
      )}
    </>
  );
}

function Used({ served, own, name, list }: { served: Served; own: Set<number>; name: string; list: string | null }) {
  const used = served.candidates.filter((one) => one.used || own.has(one.id));
  const better = served.candidates.filter((one) => one.chosen && !one.used);
  return (
    <>
      {served.ignored && <p>The proposal's settings say that this kind is not used.</p>}
      {used.length === 0 && !served.ignored && (
        <p>{served.hidden > 0 ? `None that you may see was used; ${plural(served.hidden, "candidate is", "candidates are")} hidden from you.` : `No ${name.toLowerCase()} was used.`}</p>
      )}
      {used.map((one) => (
        <div key={one.id} class="used">
          <p>
            <a href={href("data", one.id, { list })}>{one.file_name}</a>{" "}
            {one.rank === null ? <Badge kind="warn">would not be taken now</Badge> : <Badge kind={one.rank === 1 ? "good" : ""}>rank {one.rank}</Badge>}
          </p>
          <ul>{one.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        </div>
      ))}
      {better.map((one) => (
        <p key={one.id} class="note">
          As things are now, the automatic way takes <a href={href("data", one.id, { list })}>{one.file_name}</a>
          {used.length ? " as well or instead." : "."}
        </p>
      ))}
    </>
  );
}
