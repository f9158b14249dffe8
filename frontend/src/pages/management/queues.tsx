// How the pipeline does: what waits for which block, and the files by status.

import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { components } from "../../api/contract";
import { useResource } from "../../core/fetching";
import { whole } from "../../core/format";
import { href } from "../../core/router";
import { Button, Status, Time } from "../../parts/controls";
import { Failed, Loading } from "../../parts/states";
import { BLOCKS } from "../log/words";

type State = components["schemas"]["Status"];
const SECONDS = 5;

export function QueuesTab() {
  const [at, setAt] = useState("");
  const found = useResource("status", async (signal) => {
    const state = await api.get<State>("/", {}, signal);
    setAt(new Date().toISOString());
    return state;
  });
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && found.reload(), SECONDS * 1000);
    return () => clearInterval(timer);
  }, [found.reload]);
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Asking the service" />;
  const { name, version, region, status, queues, counts } = found.data;
  const waiting = Object.values(queues).reduce((sum, depth) => sum + depth, 0);
  return (
    <>
      <div class="headline">
        <h2>{name} {version}</h2>
        <span>{status === "ok" ? "It runs" : status}, {region === "local" ? "on this machine" : `in ${region}`}.</span>
        <span class="space" />
        <span class="soft">As of <Time at={at} />, every {SECONDS} s</span>
        <Button kind="quiet" icon="retry" onClick={found.reload}>Now</Button>
      </div>
      {found.error !== undefined && <Failed error={found.error} retry={found.reload} />}
      <p>{waiting ? `${whole(waiting)} messages wait or are worked on; the queues count about.` : "Nothing waits: the pipeline has done what there was to do."}</p>
      <div class="halves">
        <div class="table-box" tabIndex={0} role="region" aria-label="Queues">
          <table>
            <thead>
              <tr><th scope="col">Block</th><th scope="col" class="number">Waiting or worked on</th></tr>
            </thead>
            <tbody>
              {Object.entries(queues).map(([block, depth]) => (
                <tr key={block}>
                  <td>
                    <strong>{block}</strong>
                    <div class="soft">{BLOCKS[block] ?? ""}</div>
                  </td>
                  <td class="number">{depth ? whole(depth) : <span class="soft">nothing</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="table-box" tabIndex={0} role="region" aria-label="Files by status">
          <table>
            <thead>
              <tr><th scope="col">Files that are</th><th scope="col" class="number">Files</th></tr>
            </thead>
            <tbody>
              {Object.entries(counts ?? {}).map(([state, count]) => (
                <tr key={state}>
                  <td><a href={href("search", { status: state })}><Status status={state} /></a></td>
                  <td class="number">{whole(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
