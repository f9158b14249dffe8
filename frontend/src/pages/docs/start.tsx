// Where the page about the API begins: how to sign in, and two scripts.

import { API } from "../../api/client";
import { href } from "../../core/router";
import { copy } from "../../core/saving";
import { user } from "../../core/session";
import { Button } from "../../parts/controls";

const RAW_FILES = `import requests

API = "${API}"
KEY = "your API key"

# 0 raw, 1 master calibration, 2 reduced, 3 extracted, 4 wavelength calibrated
response = requests.get(
    f"{API}/files/",
    headers={"Authorization": f"Token {KEY}"},
    params={"data_type": "0"},
)
response.raise_for_status()
for record in response.json()["results"]:
    print(record["id"], record["file_name"], record["obstype"], record["status"])
`;

const COLLABORATOR = `import requests

API = "${API}"
KEY = "your API key"

session = requests.Session()
session.headers["Authorization"] = f"Token {KEY}"

response = session.get(f"{API}/proposals/", params={"soar_id": "SOAR2026B-014"})
response.raise_for_status()
proposal = response.json()["results"][0]

response = session.post(
    f"{API}/proposals/collaborators/{proposal['id']}/",
    json={"email": "student@example.edu", "action": "add"},
)
response.raise_for_status()
print([one["email"] for one in response.json()["collaborators"]])
`;

export function Start() {
  return (
    <article class="panel operation">
      <h2>Scripts</h2>
      <p>
        A script signs in with an API key in the header <code>Authorization: Token …</code>.{" "}
        {user.value ? <>Make one under <a href={href("user")}>User information</a>.</> : <>Keys are made under User information, once you are signed in.</>}{" "}
        Please don’t share it with anyone, and keep it out of the script and of version control. The address of the API is <code>{API}</code>; lists are
        twenty a page, and <code>next</code> leads on. An error’s <code>detail</code> is a sentence that says what would do.
      </p>
      <p>
        The whole contract: <a href={`${API}/openapi.json`} target="_blank" rel="noopener">openapi.json</a>. More examples are in the manual.
      </p>
      <Script title="Get the list of raw files" text={RAW_FILES} />
      <Script title="Add a collaborator to a proposal" text={COLLABORATOR} />
    </article>
  );
}

function Script({ title, text }: { title: string; text: string }) {
  return (
    <>
      <div class="headline">
        <h3>{title}</h3>
        <span class="space" />
        <Button kind="quiet" onClick={() => void copy(text, "The script")}>Copy<span class="hidden">: {title}</span></Button>
      </div>
      <pre class="code" tabIndex={0} role="region" aria-label={title}>{text}</pre>
    </>
  );
}
