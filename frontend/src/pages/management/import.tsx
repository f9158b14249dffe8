// A semester's proposals and their principal investigators from a CSV: first told row by row, then done.

import { useRef, useState } from "preact/hooks";
import { api, Refused } from "../../api/client";
import type { Imported } from "../../api/types";
import { useAction } from "../../core/fetching";
import { plural } from "../../core/format";
import { tell } from "../../core/notices";
import { href } from "../../core/router";
import { save } from "../../core/saving";
import { useUnsaved } from "../../core/unsaved";
import { Badge, Button, Field, TextField } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { beside } from "../account/rules";
import { ACTIONS, LONGEST, sorted, TEMPLATE, together, wordOf } from "./roster";

/** One request does what fits into 15 seconds; a roster of 500 rows is done within these many. */
const MOST_RUNS = 40;

export function ImportTab() {
  const [csv, setCsv] = useState("");
  const [told, tellOf] = useState<Imported | null>(null);
  const { busy, error, run, clear } = useAction();
  const stop = useRef(false);
  const done = told && !told.dry_run && told.complete;
  useUnsaved(Boolean(csv) && !done);
  const put = (text: string) => {
    setCsv(text);
    tellOf(null);
    clear();
  };
  const open = async (file: File | undefined) => {
    if (file) put(await file.text());
  };
  const ask = (dry: boolean) => api.post<Imported>("/proposals/import", { csv }, dry ? { query: { dry_run: 1 } } : {});
  const dryRun = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!csv.trim()) throw new Error("Paste the CSV, or choose a file.");
      if (csv.length > LONGEST) throw new Error(`The CSV may have at most ${LONGEST.toLocaleString("en")} characters.`);
      tellOf(await ask(true));
    });
  };
  const bring = () =>
    void run(async () => {
      stop.current = false;
      let all: Imported | null = null;
      for (let turn = 0; turn < MOST_RUNS && !all?.complete && !stop.current; turn += 1) {
        all = together(all, await ask(false));
        tellOf(all);
      }
      if (all?.complete) tell("good", `The import is done: ${summary(all)}.`);
    });
  const refused = error instanceof Refused ? error.about("csv") : undefined;
  const creates = told?.dry_run ? (told.counts.create ?? 0) + (told.counts.letters ?? 0) : 1;
  return (
    <>
      <form class="panel stack" onSubmit={dryRun} aria-labelledby="import-title">
        <h2 id="import-title">Semester import</h2>
        <p>
          The first line names the columns, in any order: <code>soar_id</code>, <code>title</code> and <code>email</code> (of the principal
          investigator) are needed; <code>first_name</code>, <code>last_name</code>, <code>semester</code> and <code>abstract</code> may be
          there. At most 500 rows, separated by commas, semicolons or tabs. Proposals that are there are never changed, and running the
          same file again only does what is missing.
        </p>
        <div class="buttons">
          <Button icon="download" onClick={() => save("semester.csv", TEMPLATE, "text/csv;charset=utf-8")}>Template</Button>
          <Field label="CSV file" inline>
            {(attributes) => <input {...attributes} type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => void open(event.currentTarget.files?.[0])} />}
          </Field>
        </div>
        <TextField label="CSV" rows={8} value={csv} change={put} placeholder={TEMPLATE} error={refused} />
        <FormError error={beside(error, "csv")} />
        <div class="buttons">
          <Button type="submit" kind={told?.dry_run ? "plain" : "main"} busy={busy && !told?.dry_run && !told}>Dry run: what would happen?</Button>
          <Button kind={told?.dry_run ? "main" : "plain"} busy={busy && Boolean(told)} onClick={bring}
            reason={!told ? "First a dry run of this text." : done ? "It is done." : creates ? null : "There is nothing to do."}>
            {told && !told.dry_run && !told.complete ? "Go on" : "Import"}
          </Button>
          {busy && told && !told.dry_run && <Button onClick={() => (stop.current = true)}>Stop after this part</Button>}
        </div>
      </form>
      <p role="status">{told && `${told.dry_run ? "Dry run, nothing has happened yet" : told.complete ? "Done" : "Not complete yet"}: ${summary(told)}.`}</p>
      {told && <Rows told={told} />}
    </>
  );
}

function summary({ counts, dry_run }: Imported): string {
  const { create = 0, unchanged = 0, refused = 0, left = 0, new_users = 0, letters = 0 } = counts;
  const parts = [
    `${plural(create, "proposal")} ${dry_run ? "to create" : "created"}`,
    `${unchanged} there already`,
    `${refused} refused`,
    ...(left ? [`${left} still to do`] : []),
    `${plural(new_users, "new user")}`,
    `${plural(letters, "letter")}`,
  ];
  return parts.join(", ");
}

function Rows({ told }: { told: Imported }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="The roster row by row">
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">Line</th>
            <th scope="col">What</th>
            <th scope="col">SOAR ID</th>
            <th scope="col">PI</th>
            <th scope="col">In words</th>
          </tr>
        </thead>
        <tbody>
          {sorted(told.rows).map((row) => (
            <tr key={row.line}>
              <td class="number">{row.line}</td>
              <td class="nowrap"><Badge kind={ACTIONS[row.action][1]}>{wordOf(row.action, told.dry_run)}</Badge></td>
              <td class="nowrap">{row.proposal ? <a href={href("management", "proposals", row.proposal)}>{row.soar_id}</a> : row.soar_id || "–"}</td>
              <td>{row.email || "–"}</td>
              <td>{row.sentences.map((sentence) => <p key={sentence}>{sentence}</p>)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
