// Files and texts that leave the page: saved to the disk, or copied.

import { tell } from "./notices";

/** Let the browser save something under a name. */
export function save(name: string, content: BlobPart, type = "text/plain;charset=utf-8"): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell("good", `${what} is copied.`);
  } catch {
    tell("bad", `${what} could not be copied: the browser does not allow it. Select it and copy it by hand.`);
  }
}
