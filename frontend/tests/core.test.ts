// What the page's core asks of the service, without a browser: addresses, jobs that are gone, what goes with a session.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Job, Profile } from "../src/api/types.ts";

const asked: { url: string; token: string | null }[] = [];
let answer: () => Response;

before(() => {
  const store = new Map<string, string>();
  const storage = { getItem: (name: string) => store.get(name) ?? null, setItem: (name: string, value: string) => store.set(name, value), removeItem: (name: string) => store.delete(name) };
  Object.assign(globalThis, {
    document: { querySelector: () => null, addEventListener: () => undefined, hidden: true },
    location: { origin: "https://page.example.org", hash: "" },
    sessionStorage: storage,
    localStorage: storage,
    addEventListener: () => undefined,
    fetch: async (url: string, init: RequestInit) => {
      asked.push({ url, token: new Headers(init.headers).get("Authorization") });
      return answer();
    },
  });
});

const refusal = (status: number) => () => Response.json({ status, detail: "It is not there." }, { status });
const signIn = async (id = 1) => {
  const { begin } = await import("../src/core/session.ts");
  begin({ token: `secret-${id}`, user: { id } as Profile });
};

test("the token goes to the API only", async () => {
  await signIn();
  const { api } = await import("../src/api/client.ts");
  answer = () => Response.json({});
  for (const address of ["https://elsewhere.example.org/api/files", "https://page.example.org/apis", "https://page.example.org/api/../steal"]) {
    await assert.rejects(api.get(address), /no address of the service/, address);
  }
  assert.equal(asked.length, 0);
  await api.get("https://page.example.org/api/files/?page=2");
  await api.get("/files", { page: 2 });
  assert.deepEqual(asked.map((one) => one.url), ["https://page.example.org/api/files/?page=2", "https://page.example.org/api/files?page=2"]);
  assert.equal(asked[0]?.token, "Token secret-1");
});

test("a job that is gone is told and not asked for again; other failures are waited for", async (context) => {
  await signIn();
  const { follow } = await import("../src/core/jobs.ts");
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const seen: string[] = [];
  const turn = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
  };
  asked.length = 0;
  answer = refusal(500);
  follow("7", (job: Job) => seen.push(job.status), (why) => seen.push(`lost: ${why.message}`));
  await turn();
  answer = () => Response.json({ id: "7", status: "running" });
  context.mock.timers.tick(2_000);
  await turn();
  answer = refusal(404);
  context.mock.timers.tick(2_000);
  await turn();
  context.mock.timers.tick(60_000);
  await turn();
  assert.deepEqual(seen, ["running", "lost: It is not there."]);
  assert.equal(asked.length, 3);
});

test("what is held of somebody goes when they sign out or another one comes, and stays where their session expired", async () => {
  const { begin, end, onEnd } = await import("../src/core/session.ts");
  const { notices, tell } = await import("../src/core/notices.ts");
  let forgotten = 0;
  onEnd(() => (forgotten += 1));
  const somebody = (id: number) => begin({ token: `secret-${id}`, user: { id } as Profile });
  somebody(1);
  tell("bad", "The download was refused.");
  end({ refused: true });
  somebody(1);
  assert.equal(forgotten, 0);
  assert.equal(notices.value.length, 1);
  end({ refused: true });
  somebody(2);
  assert.equal(forgotten, 1);
  assert.equal(notices.value.length, 0);
  end();
  assert.equal(forgotten, 2);
});

test("what went wrong stays; the rest makes place and goes by itself", async (context) => {
  const { notices, replace, tell } = await import("../src/core/notices.ts");
  context.mock.timers.enable({ apis: ["setTimeout"] });
  notices.value = [];
  const failed = replace(0, "bad", "1 frame failed.");
  for (const text of ["a", "b", "c", "d"]) tell("good", text);
  assert.deepEqual(notices.value.map((one) => one.text), ["1 frame failed.", "b", "c", "d"]);
  replace(failed, "bad", "2 frames failed.");
  context.mock.timers.tick(60_000);
  assert.deepEqual(notices.value.map((one) => one.text), ["2 frames failed."]);
});
