// One line of the log.

import { useState } from "preact/hooks";
import type { Event } from "../../api/types";
import { nightName } from "../../core/format";
import { href } from "../../core/router";
import { Badge, Button, Time } from "../../parts/controls";
import { blockWord, outcomeMark, outcomeWord, saidBy } from "./words";

export function LogLine({ event }: { event: Event }) {
  const { actor, block, file_id, file_name, night, outcome, proposal } = event;
  const panel = outcome.startsWith("comment") ? "comments" : null;
  return (
    <li class="log-line">
      <span class="when">
        <Time at={event.time} />
      </span>
      <span class="what">
        <Badge kind={outcomeMark(outcome)}>{outcomeWord(outcome)}</Badge>
      </span>
      <div class="said">
        <Sentence text={saidBy(event)} />
        <p class="soft about">
          {actor === "pipeline" ? "Pipeline" : actor}
          {block !== "user" && <span>{blockWord(block)}</span>}
          {file_id ? <a href={href("data", file_id, { panel })}>{file_name ?? file_id}</a> : file_name && <span>{file_name}</span>}
          {proposal && <span>{proposal}</span>}
          <a href={href("night", night)}>Night {nightName(night)}</a>
        </p>
      </div>
    </li>
  );
}

const LONG = 240;

/** A block that made many files names them all: the first ones, and the rest when asked. */
function Sentence({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  if (text.length <= LONG) return <p>{text}</p>;
  return (
    <p>
      {open ? text : `${text.slice(0, LONG).replace(/\s+\S*$/, "")} …`}{" "}
      <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Less" : "All"}</Button>
    </p>
  );
}
