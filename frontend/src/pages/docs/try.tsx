// An operation tried: a form, the curl line, the answer with its status and time.

import { useMemo, useRef, useState } from "preact/hooks";
import { API, ask } from "../../api/client";
import { useAction } from "../../core/fetching";
import { bytes } from "../../core/format";
import { href } from "../../core/router";
import { copy, save } from "../../core/saving";
import { user } from "../../core/session";
import { Badge, Button, Choice, TextField } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { curl, example, needsToken, takesToken, target, type Filled, type Operation, type Parameter, type Schemas } from "./openapi";

interface Answer {
  status: number;
  words: string;
  milliseconds: number;
  headers: [string, string][];
  text: string | null;
  blob: Blob;
}
const HEADERS = ["content-type", "etag", "retry-after", "location", "idempotent-replay"];
const LONGEST_SHOWN = 200_000;

export function Try({ operation, schemas }: { operation: Operation; schemas: Schemas }) {
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const prefilled = useMemo(() => (schema && operation.method !== "GET" ? JSON.stringify(example(schema, schemas), null, 2) : ""), [operation.operationId]);
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(prefilled);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const { busy, error, run } = useAction();
  const result = useRef<HTMLDivElement>(null);
  const parameters = operation.parameters ?? [];
  const of = (place: Parameter["in"]) =>
    Object.fromEntries(parameters.filter((one) => one.in === place).map((one) => [one.name, values[one.name] ?? ""]));
  const filled: Filled = { path: of("path"), query: of("query"), header: of("header"), body: schema ? body : null };
  const locked = needsToken(operation) && !user.value;
  const writes = operation.method !== "GET";

  const send = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const empty = parameters.find((one) => one.in === "path" && !filled.path[one.name]?.trim());
      if (empty) throw new Error(`The address needs ${empty.name}.`);
      let sent: unknown;
      if (body.trim()) {
        try {
          sent = JSON.parse(body);
        } catch (fault) {
          throw new Error(`The body is no JSON: ${(fault as Error).message}.`);
        }
      }
      const headers = Object.fromEntries(Object.entries(filled.header).filter(([, value]) => value.trim()));
      const began = performance.now();
      const came = await ask(operation.method, target(operation, filled), { headers, anonymous: !takesToken(operation), ...(sent === undefined ? {} : { body: sent }) });
      const blob = await came.blob();
      const kind = came.headers.get("content-type") ?? "";
      setAnswer({
        status: came.status,
        words: came.statusText,
        milliseconds: performance.now() - began,
        headers: HEADERS.flatMap((name) => (came.headers.get(name) ? [[name, came.headers.get(name) ?? ""] as [string, string]] : [])),
        text: /json|text|csv|xml/.test(kind) || !blob.size ? pretty(await blob.text(), kind) : null,
        blob,
      });
      result.current?.scrollIntoView({ block: "nearest" });
    });
  };
  const line = curl(operation, filled, API);
  return (
    <section class="stack" aria-labelledby="try-title">
      <h3 id="try-title">Try it</h3>
      <p class="soft">
        {!takesToken(operation)
          ? "No sign-in is needed for it."
          : user.value
            ? `The token of your session as ${user.value.username} is sent along.${writes ? " This is no rehearsal: what it does is done." : ""}`
            : ""}
        {locked && <>To try it here, <a href={href()}>sign in</a>.</>}
      </p>
      <form class="stack" onSubmit={send} noValidate>
        {parameters.length > 0 && (
          <div class="fields">
            {parameters.map((one) => <ParameterField key={one.name} parameter={one} value={values[one.name] ?? ""} change={(text) => setValues({ ...values, [one.name]: text })} />)}
          </div>
        )}
        {schema && (
          <div class="mono-field">
            <TextField label="Body (JSON)" rows={Math.min(16, Math.max(4, prefilled.split("\n").length))} value={body} change={setBody} />
          </div>
        )}
        <div class="buttons">
          <Button type="submit" kind="main" icon="play" busy={busy} reason={locked ? "Sign in to try it." : null}>Send</Button>
          {schema && body !== prefilled && <Button onClick={() => setBody(prefilled)}>Example again</Button>}
        </div>
        <FormError error={error} />
      </form>
      <div ref={result} role="status">
        {answer && <Came answer={answer} name={operation.operationId} />}
      </div>
      <div class="headline">
        <h3>In a shell</h3>
        <span class="space" />
        <Button kind="quiet" onClick={() => void copy(line, "The line")}>Copy</Button>
      </div>
      <pre class="code" tabIndex={0} role="region" aria-label="curl">{line}</pre>
    </section>
  );
}

function ParameterField({ parameter, value, change }: { parameter: Parameter; value: string; change: (text: string) => void }) {
  const { name, required, description, schema } = parameter;
  const label = required ? `${name} (needed)` : name;
  const help = `${description ?? ""}${schema.type === "array" ? " Several with commas." : ""}`.trim();
  return schema.enum ? (
    <Choice label={label} value={value} help={help} change={change} options={[["", "–"], ...schema.enum.map((one) => [String(one), String(one)] as [string, string])]} />
  ) : (
    <TextField label={label} value={value} change={change} help={help} autocomplete="off" placeholder={String(schema.default ?? "")} />
  );
}

function Came({ answer, name }: { answer: Answer; name: string }) {
  const { status, words, milliseconds, headers, text, blob } = answer;
  const shown = text && text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}\n…` : text;
  return (
    <div class="stack">
      <p>
        <Badge kind={status < 400 ? "good" : "bad"}>{status} {words}</Badge> <span class="soft">{Math.round(milliseconds)} ms, {bytes(blob.size)}</span>{" "}
        {blob.size > 0 && <Button kind="quiet" icon="download" onClick={() => save(`${name}${/json/.test(blob.type) ? ".json" : ""}`, blob, blob.type)}>Save</Button>}
      </p>
      {headers.map(([header, value]) => <p key={header} class="mono soft">{header}: {value}</p>)}
      {shown === null
        ? <p class="soft">This answer is not text.</p>
        : shown && <pre class="code answer" tabIndex={0} role="region" aria-label="The answer">{shown}</pre>}
    </div>
  );
}

function pretty(text: string, kind: string): string {
  if (!/json/.test(kind)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
