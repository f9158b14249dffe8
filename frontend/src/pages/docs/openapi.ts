// The OpenAPI document as the page about the API needs it: operations by tag, types in words, examples, curl lines.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  default?: unknown;
  examples?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: Schema;
}
type Content = Record<string, { schema: Schema }>;
interface Declared {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, unknown>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}
export interface Document {
  info: { title: string; version: string; summary?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Declared>>;
  components: { schemas: Record<string, Schema> };
}
export interface Operation extends Declared {
  method: string;
  path: string;
  tag: string;
}
export type Schemas = Record<string, Schema>;

/** A limit beyond this is there for machines. */
const LARGE = 1_000_000;

const METHODS = ["get", "post", "put", "patch", "delete"];

export function operations(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const declared = methods[method];
      return declared ? [{ ...declared, method: method.toUpperCase(), path, tag: declared.tags?.[0] ?? "" }] : [];
    }),
  );
}

/** Whether it needs somebody signed in; one that only tells more to those who are does not. */
export const needsToken = (operation: Operation): boolean =>
  Boolean(operation.security?.length) && !operation.security?.some((one) => Object.keys(one).length === 0);
export const takesToken = (operation: Operation): boolean => Boolean(operation.security?.some((one) => Object.keys(one).length > 0));

/** Every word must be somewhere in an operation's names and sentences. */
export function matches(operation: Operation, search: string): boolean {
  const { operationId, summary = "", description = "", method, path, tag } = operation;
  const text = `${operationId} ${summary} ${description} ${method} ${path} ${tag}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export const nameOf = (schema: Schema): string | null => schema.$ref?.split("/").pop() ?? null;

export function resolved(schema: Schema, schemas: Schemas): Schema {
  const name = nameOf(schema);
  return name ? (schemas[name] ?? {}) : schema;
}

/** "integer, 1 to 200", "one of 0, 1", "list of File, at most 50". */
export function typeWords(schema: Schema): string {
  const name = nameOf(schema);
  if (name) return name;
  if (schema.anyOf) return schema.anyOf.map(typeWords).join(" or ");
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? "anything"]).map((type) => (type === "array" ? `list of ${typeWords(schema.items ?? {})}` : type));
  const words = [schema.enum ? `one of ${schema.enum.map(String).join(", ")}` : types.join(" or ")];
  if (schema.format) words.push(schema.format);
  const { minimum: low, maximum: high, maxLength, maxItems } = schema;
  if (low !== undefined && high !== undefined && high < LARGE) words.push(`${low} to ${high}`);
  else if (low !== undefined && low !== 0) words.push(`at least ${low}`);
  if (maxLength !== undefined && maxLength < 10_000) words.push(`at most ${maxLength} characters`);
  if (maxItems !== undefined && maxItems < 10_000) words.push(`at most ${maxItems}`);
  if (schema.default !== undefined) words.push(`default ${String(schema.default)}`);
  return words.join(", ");
}

/** A value of a schema's form to begin with: what is needed, or everything where nothing is. */
export function example(schema: Schema, schemas: Schemas, name = "", depth = 0): unknown {
  const found = resolved(schema, schemas);
  if (found.examples?.length) return found.examples[0];
  if (found.default !== undefined) return found.default;
  if (found.enum?.length) return found.enum[0];
  if (found.anyOf?.[0]) return example(found.anyOf[0], schemas, name, depth);
  const type = Array.isArray(found.type) ? found.type[0] : found.type;
  if (type === "object" || found.properties) {
    if (depth > 4) return {};
    const names = found.required?.length ? found.required : Object.keys(found.properties ?? {});
    return Object.fromEntries(names.map((one) => [one, example(found.properties?.[one] ?? {}, schemas, one, depth + 1)]));
  }
  if (type === "array") return depth > 4 ? [] : [example(found.items ?? {}, schemas, name, depth + 1)];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return /night$/.test(name) ? 20261109 : (found.minimum ?? 0);
  return { email: "astronomer@example.org", semester: "2026B", soar_id: "SOAR2026B-014", proposal: "SOAR2026B-014" }[name] ?? "";
}

export interface Filled {
  path: Record<string, string>;
  query: Record<string, string>;
  header: Record<string, string>;
  /** The body as it was typed. */
  body: string | null;
}

/** The path with its parameters in their places and what is asked for behind it. Several values are given with blanks. */
export function target(operation: Operation, filled: Filled): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(filled.path[name] ?? ""));
  const query = new URLSearchParams();
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in !== "query") continue;
    const text = (filled.query[parameter.name] ?? "").trim();
    if (!text) continue;
    for (const one of parameter.schema.type === "array" ? text.split(/\s*,\s*/) : [text]) query.append(parameter.name, one);
  }
  const asked = query.toString();
  return `${path}${asked && `?${asked}`}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What to type in a shell; the key is never in it. */
export function curl(operation: Operation, filled: Filled, api: string): string {
  const parts = [`curl -sS ${operation.method === "GET" ? "" : `-X ${operation.method} `}${quoted(`${api}${target(operation, filled)}`)}`];
  if (takesToken(operation)) parts.push('-H "Authorization: Token $KEY"');
  for (const [name, value] of Object.entries(filled.header)) if (value.trim()) parts.push(`-H ${quoted(`${name}: ${value.trim()}`)}`);
  if (filled.body?.trim()) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(compact(filled.body))}`);
  return parts.join(" \\\n  ");
}

function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}
