// What was asked of the pipeline, followed until it is done: by the change feed, and by a look now and then.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, Refused } from "../api/client";
import type { Accepted, Job } from "../api/types";
import { onEvents } from "./live";
import { plural } from "./format";
import { sentence, tell } from "./notices";
import { token } from "./session";

const LOOK = 2_000;
const SLOW_LOOK = 10_000;
const SLOW_AFTER = 120_000;

export const over = (job: Job): boolean => job.status === "done" || job.status === "failed";

/**
 * Read a job until it is over, telling each state; returns how to stop. A lost connection and an ended session are waited
 * for; a job that is gone, or not to be seen any more, is told as `lost`.
 */
export function follow(id: string, told: (job: Job) => void, lost: (why: Refused) => void): () => void {
  const control = new AbortController();
  const began = Date.now();
  let timer: ReturnType<typeof setTimeout>;
  const look = async (): Promise<void> => {
    clearTimeout(timer);
    try {
      if (!token.value) throw null;
      const job = await api.get<Job>(`/jobs/${id}`, {}, control.signal);
      if (control.signal.aborted) return;
      told(job);
      if (over(job)) return stop();
    } catch (failure) {
      if (control.signal.aborted) return;
      if (failure instanceof Refused && (failure.status === 403 || failure.status === 404)) {
        stop();
        return lost(failure);
      }
    }
    timer = setTimeout(() => void look(), Date.now() - began > SLOW_AFTER ? SLOW_LOOK : LOOK);
  };
  const unheard = onEvents(() => void look());
  const stop = (): void => {
    control.abort();
    clearTimeout(timer);
    unheard();
  };
  void look();
  return stop;
}

/**
 * Ask the pipeline for something and follow it. `made` gets the ids of what was made once the job is done; failures are
 * told as notices. One thing at a time.
 */
export function useJob(made?: (files: number[], job: Job) => void): {
  job: Job | null;
  busy: boolean;
  ask: (what: string, work: () => Promise<Accepted>) => Promise<void>;
} {
  const [job, setJob] = useState<Job | null>(null);
  const [asking, setAsking] = useState(false);
  const stop = useRef<() => void>(() => undefined);
  const done = useRef(made);
  done.current = made;
  useEffect(() => () => stop.current(), []);
  const ask = async (what: string, work: () => Promise<Accepted>): Promise<void> => {
    setAsking(true);
    try {
      const accepted = await work();
      setJob(accepted.job);
      stop.current();
      const lost = (why: Refused): void => {
        setJob(null);
        tell("bad", `${what}: what became of it cannot be seen any more. ${why.message}`);
      };
      stop.current = follow(accepted.job.id, (now) => {
        setJob(now);
        if (now.status === "done") {
          const count = now.files?.length ?? 0;
          const made = count ? `${plural(count, "file")} made.` : now.sentence;
          tell("good", `${what}: done. ${made}`);
          done.current?.(now.files ?? [], now);
        } else if (now.status === "failed") tell("bad", `${what} failed. ${now.sentence}`);
      }, lost);
    } catch (failure) {
      tell("bad", `${what} was refused. ${sentence(failure)}`);
    } finally {
      setAsking(false);
    }
  };
  return { job, busy: asking || (job !== null && !over(job)), ask };
}
