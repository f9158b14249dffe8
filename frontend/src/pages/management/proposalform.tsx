// A proposal made or corrected by staff. The SOAR id decides who sees which files: it is warned about where it is typed.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { FullProposal } from "../../api/types";
import type { components } from "../../api/contract";
import { useAction, useResource } from "../../core/fetching";
import { plural } from "../../core/format";
import { tell } from "../../core/notices";
import { go, href, place } from "../../core/router";
import { useUnsaved } from "../../core/unsaved";
import { Button, TextField } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { fault } from "../account/fault";
import { beside } from "../account/rules";
import { semesterIn } from "./semesters";
import { PersonField } from "./person";
import { UnassignedBeside } from "./unassigned";

type NextId = components["schemas"]["NextSoarId"];

interface Facts {
  email: string;
  semester: string;
  soar_id: string;
  title: string;
  abstract: string;
}
const FIELDS = ["email", "semester", "soar_id", "title", "abstract"] as const;

interface FieldsProps {
  facts: Facts;
  change: (changes: Partial<Facts>) => void;
  error: unknown;
}

function Fields({ facts, change, error }: FieldsProps) {
  const about = (field: string) => fault(error, field);
  const said = semesterIn(facts.soar_id);
  return (
    <>
      <PersonField label="Principal investigator" value={facts.email} change={(email) => change({ email })} error={about("email") ?? about("user")}
        unknown="Nobody has this address: a user is made, who gets a letter with a link to set a password." />
      <div class="row top">
        <TextField label="Semester" value={facts.semester} change={(semester) => change({ semester: semester.toUpperCase() })} maxLength={5}
          placeholder="2026B" error={about("semester")} />
        <TextField label="SOAR ID" value={facts.soar_id} change={(soar_id) => change({ soar_id })} maxLength={68} error={about("soar_id")}
          help={said && facts.semester && said !== facts.semester ? `This id names semester ${said}, not ${facts.semester}.` : "Exactly as the frames carry it in PROPID."} />
      </div>
      <p class="note warn">With a wrong SOAR ID the data are hidden from the principal investigator and all collaborators.</p>
      <TextField label="Title" value={facts.title} change={(title) => change({ title })} maxLength={300} error={about("title")} />
      <TextField label="Abstract" rows={7} value={facts.abstract} change={(abstract) => change({ abstract })} maxLength={6000} error={about("abstract")} />
      <FormError error={beside(error, ...FIELDS, "user")} />
    </>
  );
}

const trimmed = (facts: Facts): Facts => ({
  email: facts.email.trim(), semester: facts.semester.trim(), soar_id: facts.soar_id.trim(), title: facts.title.trim(), abstract: facts.abstract.trim(),
});

export function NewProposal() {
  const { query } = place.value;
  const [facts, setFacts] = useState<Facts>({ email: query.get("pi") ?? "", semester: "", soar_id: query.get("soar_id") ?? "", title: "", abstract: "" });
  const typedId = useRef(facts.soar_id !== "");
  const once = useRef(intention());
  const { busy, error, run, clear } = useAction();
  useUnsaved(!busy && Boolean(facts.title || facts.abstract));
  const change = (changes: Partial<Facts>) => {
    if (changes.soar_id !== undefined) typedId.current = changes.soar_id !== "";
    const named = changes.soar_id && semesterIn(changes.soar_id);
    setFacts((old) => ({ ...old, ...(named ? { semester: named } : {}), ...changes }));
    once.current = intention();
    clear();
  };
  // The id is preset from the semester and its count, until somebody types one.
  const semester = /^20\d\d[AB]$/.test(facts.semester) ? facts.semester : "";
  const wanted = facts.semester && !semester ? null : `next-${semester}`;
  const next = useResource(wanted, (signal) => api.get<NextId>("/proposals/next-id", { semester }, signal));
  useEffect(() => {
    const preset = next.data;
    if (!preset || typedId.current) return;
    setFacts((old) => ({ ...old, semester: old.semester || preset.semester, soar_id: preset.soar_id }));
  }, [next.data]);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const { email, soar_id, semester: half, title, abstract } = trimmed(facts);
      if (!email) throw new Error("Name the principal investigator by e-mail address.");
      if (!soar_id || !title) throw new Error("A SOAR ID and a title are needed.");
      const body = { email, soar_id, title, ...(half ? { semester: half } : {}), ...(abstract ? { abstract } : {}) };
      const made = await api.post<FullProposal>("/proposals", body, { once: once.current });
      tell("good", `Proposal ${made.soar_id} is there. ${made.files ? `${plural(made.files, "file")} appeared in it at once.` : "No file carries its SOAR ID yet."}`);
      setFacts({ email: "", semester: "", soar_id: "", title: "", abstract: "" });
      go(href("management", "proposals", made.id));
    });
  };
  return (
    <div class="beside form-first">
      <form class="panel stack grow" onSubmit={submit} aria-labelledby="new-proposal">
        <h2 id="new-proposal">Add proposal</h2>
        <Fields facts={facts} change={change} error={error} />
        <div class="buttons">
          <Button type="submit" kind="main" busy={busy}>Add proposal</Button>
          <a href={href("management", "proposals")}>Back to the proposals</a>
        </div>
      </form>
      <UnassignedBeside take={(soar_id) => change({ soar_id })} />
    </div>
  );
}

export function EditProposal({ proposal, set }: { proposal: FullProposal; set: (proposal: FullProposal) => void }) {
  const base: Facts = { email: proposal.user.email, semester: proposal.semester, soar_id: proposal.soar_id, title: proposal.title, abstract: proposal.abstract };
  const [facts, setFacts] = useState(base);
  const { busy, error, run, clear } = useAction();
  const now = trimmed(facts);
  const changed: Partial<Facts> = Object.fromEntries(FIELDS.filter((name) => now[name] !== base[name]).map((name) => [name, now[name]]));
  const dirty = Object.keys(changed).length > 0;
  useUnsaved(dirty);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const next = await api.patch<FullProposal>(`/proposals/${proposal.id}`, changed);
      set(next);
      setFacts({ email: next.user.email, semester: next.semester, soar_id: next.soar_id, title: next.title, abstract: next.abstract });
      tell("good", `Proposal ${next.soar_id} is changed and holds ${plural(next.files, "file")}.`);
    });
  };
  return (
    <div class="beside form-first">
      <form class="panel stack grow" onSubmit={submit} aria-labelledby="edit-proposal">
        <h2 id="edit-proposal">{proposal.soar_id}</h2>
        <Fields facts={facts} change={(changes) => { setFacts({ ...facts, ...changes }); clear(); }} error={error} />
        {changed.soar_id !== undefined && proposal.files > 0 && (
          <p class="note bad">
            {plural(proposal.files, "file")} carry {proposal.soar_id}: with another SOAR ID nobody but staff sees them.
          </p>
        )}
        {changed.email !== undefined && <p class="note warn">The former principal investigator leaves the proposal and does not see its data any more.</p>}
        <div class="buttons">
          <Button type="submit" kind="main" busy={busy} reason={dirty ? null : "Nothing is changed."}>Apply</Button>
          <a href={href("collaborators", proposal.id)}>Collaborators</a>
          <a href={href("settings", proposal.id)}>Settings</a>
          <a href={href("management", "proposals")}>Back to the proposals</a>
        </div>
      </form>
      <UnassignedBeside take={(soar_id) => { setFacts({ ...facts, soar_id }); clear(); }} />
    </div>
  );
}
