// Letters from staff to users, each by itself.

import { useRef, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { components } from "../../api/contract";
import { useAction } from "../../core/fetching";
import { plural } from "../../core/format";
import { useUnsaved } from "../../core/unsaved";
import { Badge, Button, TextField } from "../../parts/controls";
import { Icon } from "../../parts/icons";
import { FormError } from "../../parts/states";
import { fault } from "../account/fault";
import { beside } from "../account/rules";
import { PersonField } from "./person";

type Sent = components["schemas"]["Sent"];
const MOST = 50;

export function MailTab() {
  const [to, setTo] = useState<string[]>([]);
  const [typed, setTyped] = useState("");
  const [subject, setSubject] = useState("");
  const [text, setText] = useState("");
  const [sent, setSent] = useState<Sent | null>(null);
  const once = useRef(intention());
  const { busy, error, run, clear } = useAction();
  useUnsaved(Boolean(subject || text));
  const touched = () => {
    once.current = intention();
    clear();
    setSent(null);
  };
  const add = () => {
    const names = typed.split(/[\s,;]+/).filter((name) => name && !to.includes(name));
    setTo([...to, ...new Set(names)].slice(0, MOST));
    setTyped("");
    touched();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed.trim()) return add();
    void run(async () => {
      if (!to.length) throw new Error("Add who is to get the letter.");
      if (!subject.trim() || !text.trim()) throw new Error("A letter has a subject and a text.");
      const result = await api.post<Sent>("/email", { to, subject: subject.trim(), text }, { once: once.current });
      setSent(result);
      setTo([]);
      setSubject("");
      setText("");
      once.current = intention();
    });
  };
  const about = (field: string) => fault(error, field);
  const unknown = to.flatMap((_, i) => about(`to/${i}`) ?? []);
  return (
    <form class="panel stack" onSubmit={submit} aria-labelledby="mail-title">
      <h2 id="mail-title">Write to users</h2>
      <p class="soft">Each gets a letter by itself: nobody sees the others’ addresses. {MOST} at the most.</p>
      <div class="row top">
        <PersonField label="To" value={typed} change={setTyped} unknown="No user has this address: letters go to users only." />
        <div class="under-label"><Button icon="plus" onClick={add} reason={to.length >= MOST ? `${MOST} at the most.` : typed.trim() ? null : "Type a name or address first."}>Add</Button></div>
      </div>
      {to.length > 0 && (
        <ul class="chips" aria-label="Who gets the letter">
          {to.map((name, i) => (
            <li key={name} class={about(`to/${i}`) ? "chip broken" : "chip"}>
              {about(`to/${i}`) && <Icon name="warning" />}
              {name}
              <Button kind="quiet" icon="close" aria-label={`Leave out ${name}`} onClick={() => { setTo(to.filter((one) => one !== name)); touched(); }} />
            </li>
          ))}
        </ul>
      )}
      {unknown.map((sentence) => <p key={sentence} class="field-error">{sentence}</p>)}
      <TextField label="Subject" value={subject} change={(value) => { setSubject(value); touched(); }} maxLength={150} error={about("subject")} />
      <TextField label="Text" rows={10} value={text} change={(value) => { setText(value); touched(); }} maxLength={10_000} error={about("text")}
        help="Plain text. Your user name is put under it." />
      <FormError error={beside(error, "subject", "text")} />
      <div class="buttons">
        <Button type="submit" kind="main" icon="mail" busy={busy}>{to.length ? `Send to ${plural(to.length, "user")}` : "Send"}</Button>
      </div>
      <div role="status">
        {sent && (
          <ul class="plain-list">
            {sent.sent.map((name) => <li key={name}><Badge kind="good">Sent</Badge> {name}</li>)}
            {sent.failed.map((one) => <li key={one.to}><Badge kind="bad">Not sent</Badge> {one.to}: {one.why}</li>)}
          </ul>
        )}
      </div>
    </form>
  );
}
