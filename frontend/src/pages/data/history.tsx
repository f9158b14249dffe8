// What happened to a file, and to the frame it was made of.

import { api } from "../../api/client";
import type { Event } from "../../api/types";
import { useEvents, useResource } from "../../core/fetching";
import { plural } from "../../core/format";
import { Badge, Time } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import { blockWord, outcomeMark, outcomeWord, saidBy } from "../log/words";
import type { PanelProps } from "./panels";

export function HistoryPanel({ record }: PanelProps) {
  const history = useResource(`history-${record.id}`, (signal) =>
    api.get<{ events: Event[]; complete: boolean }>(`/files/${record.id}/history`, {}, signal));
  useEvents((events) => {
    const ours = (event: Event) => event.file_id === record.id || event.file_id === record.original_file_id;
    if (events.length === 0 || events.some(ours)) history.reload();
  });
  if (history.error && !history.data) return <Failed error={history.error} retry={history.reload} />;
  if (!history.data) return <Loading what="Reading the history" />;
  const { events, complete } = history.data;
  const failed = events.filter((event) => outcomeMark(event.outcome) === "bad").length;
  if (!events.length) return <Empty>Nothing is written about this file. What the pipeline and people do to it is listed here.</Empty>;
  return (
    <section class="stack" aria-label="History">
      <p class="soft">
        {plural(events.length, "event")}, oldest first{failed ? `; ${failed} of them failed or were rejected` : ""}.
        {!complete && " This night has more events than are searched: some may be missing."}
      </p>
      <div class="table-box" tabIndex={0} role="region" aria-label="History, table">
        <table class="history-table">
          <thead>
            <tr>
              <th scope="col">Time (UT)</th>
              <th scope="col">Outcome</th>
              <th scope="col">What</th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <tr key={event.id}>
                <td class="when"><Time at={event.time} full /></td>
                <td><Badge kind={outcomeMark(event.outcome)}>{outcomeWord(event.outcome)}</Badge></td>
                <td class="said">
                  <Sentence text={saidBy(event)} />
                </td>
                <td>
                  {event.actor === "pipeline" ? "Pipeline" : event.actor}
                  {event.block !== "user" && <span class="soft"> · {blockWord(event.block)}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const LONG = 220;

/** Sentences that name a dozen files are folded. */
function Sentence({ text }: { text: string }) {
  if (text.length <= LONG) return <>{text}</>;
  return (
    <details class="disclosure">
      <summary>{text.slice(0, 120).replace(/\s+\S*$/, "")} …</summary>
      <p>{text}</p>
    </details>
  );
}
