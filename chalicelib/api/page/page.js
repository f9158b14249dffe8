// The API's page: every operation of the OpenAPI document, with a form to try it.
"use strict";

const BASE = "/api";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function resolve(schema, components) {
  const name = schema?.$ref?.split("/").pop();
  return name ? components[name] : schema;
}

// A value of a schema's form, to begin a body with.
function example(schema, components, depth = 0) {
  const found = resolve(schema, components) ?? {};
  if (found.examples) return found.examples[0];
  if (found.enum) return found.enum[0];
  if (found.anyOf) return example(found.anyOf[0], components, depth);
  const kind = Array.isArray(found.type) ? found.type[0] : found.type;
  if (kind === "object") {
    if (depth > 4) return {};
    return Object.fromEntries(
      Object.entries(found.properties ?? {}).map(([name, part]) => [name, example(part, components, depth + 1)]),
    );
  }
  if (kind === "array") return depth > 4 ? [] : [example(found.items, components, depth + 1)];
  return { string: "", integer: found.minimum ?? 0, number: found.minimum ?? 0, boolean: false }[kind] ?? null;
}

function field(parameter) {
  const schema = parameter.schema.items ?? parameter.schema;
  const input = schema.enum
    ? element("select", {}, element("option", { value: "" }, "—"), ...schema.enum.map((v) => element("option", {}, v)))
    : element("input", { placeholder: schema.default ?? "" });
  input.name = parameter.name;
  input.dataset.place = parameter.in;
  input.required = Boolean(parameter.required);
  const label = element("label", {}, parameter.name + (parameter.required ? " *" : ""));
  return element("tr", {}, element("td", {}, label), element("td", {}, input), element("td", {}, parameter.description ?? ""));
}

async function send(form, path, method, output) {
  let address = BASE + path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("[data-place]")) {
    if (input.dataset.place === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value && input.dataset.place === "query") query.append(input.name, input.value);
    else if (input.value) headers[input.name] = input.value;
  }
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Token ${token}`;
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  if ([...query].length) address += `?${query}`;
  output.textContent = `${method} ${address} …`;
  try {
    const response = await fetch(address, { method, headers, body: body || undefined, redirect: "manual" });
    let text = await response.text();
    try {
      text = JSON.stringify(JSON.parse(text), null, 1);
    } catch {
      // not JSON: shown as it came
    }
    output.textContent = `${method} ${address}\n${response.status} ${response.statusText}\n\n${text.slice(0, 100000)}`;
  } catch (error) {
    output.textContent = `${method} ${address}\n${error.message}`;
  }
}

function operation(path, method, contract, components) {
  const rows = (contract.parameters ?? []).map(field);
  const output = element("pre", { hidden: true });
  const form = element("form", {}, element("table", {}, ...rows));
  const body = contract.requestBody?.content["application/json"];
  if (body) {
    const text = JSON.stringify(example(body.schema, components), null, 1);
    form.append(element("textarea", { rows: Math.min(14, text.split("\n").length + 1), value: text, ariaLabel: "Body" }));
  }
  form.append(element("button", {}, "Try it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    send(form, path, method.toUpperCase(), output);
  });
  const answers = Object.entries(contract.responses).map(([status, answer]) => `${status} ${answer.description}`);
  return element(
    "details",
    {},
    element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${contract.summary}`),
    element("p", {}, contract.description),
    element("small", {}, answers.join(" · ")),
    form,
    output,
  );
}

async function show() {
  const place = document.getElementById("operations");
  const response = await fetch(`${BASE}/openapi.json`);
  const found = await response.json();
  const components = found.components.schemas;
  place.replaceChildren();
  for (const tag of found.tags) {
    place.append(element("h2", {}, tag.name), element("p", {}, tag.description));
    for (const [path, methods] of Object.entries(found.paths)) {
      for (const [method, contract] of Object.entries(methods)) {
        if (contract.tags.includes(tag.name)) place.append(operation(path, method, contract, components));
      }
    }
  }
}

show().catch((error) => {
  document.getElementById("operations").textContent = `The document cannot be read: ${error.message}`;
});
