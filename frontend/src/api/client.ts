// Requests to the REST API. Every refusal becomes a Refused with the sentence the service gave.

import { end, token } from "../core/session";
import type { Problem } from "./types";

const BASE = (
  document.querySelector<HTMLMetaElement>('meta[name="goodman-api"]')?.content ?? "/api"
).replace(/\/+$/, "");

/** The address of the API as a script has to use it. */
export const API = new URL(BASE, location.origin).href.replace(/\/$/, "");

export class Refused extends Error {
  readonly status: number;
  readonly errors: { at: string; message: string }[];
  /** Seconds after which to try again; 0 if nothing was said. */
  readonly wait: number;

  constructor(problem: Partial<Problem> & { status: number }, wait = 0) {
    super(problem.detail || problem.title || `The service answered ${problem.status}.`);
    this.status = problem.status;
    this.errors = problem.errors ?? [];
    this.wait = wait;
  }

  /** What is wrong with a field of the body, if anything is. */
  about(field: string): string | undefined {
    return this.errors.filter((one) => one.at === `/${field}`).map((one) => one.message).join(" ") || undefined;
  }
}

/** The network did not answer; whether the request arrived is not known. */
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached. Is the network (VPN) up?");
  }
}

export type Parameters = Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;

export interface Asked {
  query?: Parameters;
  body?: unknown;
  /** Sent as Idempotency-Key: made once for each intention. */
  once?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Sign-in must not send an old token. */
  anonymous?: boolean;
}

export function address(path: string, query: Parameters = {}): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") text.append(name, String(one));
    }
  }
  const asked = text.toString();
  return `${API}${path}${asked && `?${asked}`}`;
}

/** The address to ask; it must be the API's, which alone may see the token. */
function within(path: string, query: Parameters = {}): string {
  const { href } = new URL(path.startsWith("http") ? path : address(path, query));
  if (!href.startsWith(`${API}/`)) throw new Error("This is no address of the service.");
  return href;
}

/** The answer itself, whatever it is: for the page that lets one try the API. Only a network that fails is an error. */
export async function ask(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const sent = asked.anonymous ? null : token.value;
  const headers: Record<string, string> = { ...asked.headers };
  if (sent) headers.Authorization = `Token ${sent}`;
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  if (asked.once) headers["Idempotency-Key"] = asked.once;
  const where = within(path, asked.query);
  try {
    return await fetch(where, {
      method,
      headers,
      body: asked.body === undefined ? null : JSON.stringify(asked.body),
      signal: asked.signal ?? null,
      cache: "no-store",
      credentials: "omit",
    });
  } catch (failure) {
    if (failure instanceof DOMException && failure.name === "AbortError") throw failure;
    throw new Unreachable();
  }
}

/** The answer if it is a good one, for what is not JSON or where headers count. 304 is an answer. */
export async function send(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const sent = asked.anonymous ? null : token.value;
  const answer = await ask(method, path, asked);
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status === 401 && sent && sent === token.value) end({ refused: true });
  const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
  throw new Refused({ ...problem, status: answer.status }, Number(answer.headers.get("Retry-After")) || 0);
}

async function json<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const answer = await send(method, path, asked);
  return (answer.status === 204 ? null : await answer.json()) as T;
}

export const api = {
  get: <T>(path: string, query: Parameters = {}, signal?: AbortSignal) =>
    json<T>("GET", path, signal ? { query, signal } : { query }),
  post: <T>(path: string, body?: unknown, asked: Asked = {}) => json<T>("POST", path, { ...asked, body }),
  patch: <T>(path: string, body: unknown) => json<T>("PATCH", path, { body }),
  put: <T>(path: string, body: unknown) => json<T>("PUT", path, { body }),
  remove: <T>(path: string, asked: Asked = {}) => json<T>("DELETE", path, asked),
};

/** A key for one intention of the user: the same button pressed again after a lost answer is done once. */
export const intention = (): string => crypto.randomUUID();
