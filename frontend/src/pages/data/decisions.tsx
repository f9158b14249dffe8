// What people decide about a file, and what they seldom ask for: fetched when somebody first does.

import { useState } from "preact/hooks";
import { send } from "../../api/client";
import { sentence, tell } from "../../core/notices";
import { Button, Choice, Dialog, TextField } from "../../parts/controls";
import { saveText } from "../../parts/save";
import type { Family } from "./family";
import { OBSTYPES } from "./process";

export function MarkBad({ name, close, run }: { name: string; close: () => void; run: (reason: string) => void }) {
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const missing = reason.trim().length < 3;
  return (
    <Dialog title={`Mark ${name} as bad`} close={close}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (!missing) run(reason.trim());
        }}
      >
        <p>What was made with it is made anew without it. Everybody who uses it reads the reason.</p>
        <TextField label="Reason" value={reason} change={setReason} maxLength={500} autofocus
          error={tried && missing ? "Say why, in a word or two." : undefined} />
        <footer>
          <Button onClick={close}>Cancel</Button>
          <Button kind="danger" type="submit">Mark as bad</Button>
        </footer>
      </form>
    </Dialog>
  );
}

export function Reclassify({ name, now, close, run }: { name: string; now: string; close: () => void; run: (obstype: string) => void }) {
  const [type, setType] = useState(now);
  return (
    <Dialog title={`What is ${name}?`} close={close}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); if (type !== now) run(type); }}>
        <p>
          What was made of it as {now || "what its header says"} goes, and it is processed as what you say. Its header's own type takes that back.
        </p>
        <Choice label="Type of the frame" value={type} change={setType} options={OBSTYPES.map((one) => [one, one] as const)} />
        <footer>
          <Button onClick={close}>Cancel</Button>
          <Button kind="main" type="submit" reason={type === now ? "That is what it is taken for now." : null}>Take it as {type}</Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** A script that fetches a frame with its products. */
export async function script(family: Family): Promise<void> {
  try {
    const ids = [...family.members.keys()];
    const answer = await send("POST", "/files/manifest", { query: { format: "curl" }, body: { ids } });
    saveText(`fetch_${family.root.file_name.replace(/\..*$/, "")}.sh`, await answer.text(), "text/x-shellscript");
    tell("good", `A script that fetches ${ids.length} files was saved. Its addresses work for a quarter of an hour.`);
  } catch (failure) {
    tell("bad", `There is no script. ${sentence(failure)}`);
  }
}
