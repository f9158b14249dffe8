// Files for the user: texts and blobs made here, and what a presigned address leads to.

/** Save a text as a file of that name. */
export function saveText(name: string, text: string, type = "text/plain"): void {
  saveBlob(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** Save a blob as a file of that name. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  press(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // some browsers read it only once the user has said where to
}

/** Download what a presigned address leads to; the storage says under which name. */
export function openDownload(url: string): void {
  press(url, "");
}

/** The name the service gives an answer that is to be saved. */
export function nameOf(answer: Response, otherwise: string): string {
  return /filename="?([^";]+)"?/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? otherwise;
}

function press(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noopener noreferrer";
  link.referrerPolicy = "no-referrer"; // a signed address is nobody else's business, and neither is where it was used
  document.body.append(link);
  link.click();
  link.remove();
}
