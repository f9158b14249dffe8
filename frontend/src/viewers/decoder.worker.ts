// Decodes previews and raw frames off the page's thread.

import { decodeFits, decodePreview, type Preview } from "./container";

export interface Order {
  id: number;
  form: "preview" | "fits";
  bytes: ArrayBuffer;
}
export type Delivery = { id: number; preview: Preview } | { id: number; failure: string };

/** This file's global scope: the page's types do not know it. */
const scope = self as unknown as { postMessage(message: Delivery, options?: { transfer: Transferable[] }): void };

addEventListener("message", async (event: MessageEvent<Order>) => {
  const { id, form, bytes } = event.data;
  try {
    const preview = await (form === "fits" ? decodeFits : decodePreview)(new Uint8Array(bytes));
    scope.postMessage({ id, preview }, { transfer: buffers(preview) });
  } catch (failure) {
    scope.postMessage({ id, failure: failure instanceof Error ? failure.message : String(failure) });
  }
});

function buffers(preview: Preview): Transferable[] {
  const arrays =
    preview.kind === "spectrum"
      ? [preview.flux, preview.error, preview.fluxBox, preview.errorBox, preview.sky, preview.mask, preview.wavelength, preview.vacuum]
      : [...preview.grids.map((grid) => grid.steps), preview.mask];
  return [...new Set(arrays.filter((one) => one !== null).map((one) => one.buffer))];
}
