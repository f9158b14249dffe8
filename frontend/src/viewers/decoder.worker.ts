// Decodes previews and raw frames off the page's thread.

import { decodeFits, decodePreview, type Preview } from "./container";
import { buffersOf, survey } from "./image/survey";

export interface Order {
  id: number;
  form: "preview" | "fits";
  bytes: ArrayBuffer;
  /** From which value a pixel of a raw frame is saturated, where that is known. */
  saturation: number | null;
}
export type Delivery = { id: number; preview: Preview } | { id: number; failure: string };

/** This file's global scope: the page's types do not know it. */
const scope = self as unknown as { postMessage(message: Delivery, options?: { transfer: Transferable[] }): void };

addEventListener("message", async (event: MessageEvent<Order>) => {
  const { id, form, bytes, saturation } = event.data;
  try {
    const preview = await (form === "fits" ? decodeFits : decodePreview)(new Uint8Array(bytes));
    if (preview.kind === "image") preview.survey = survey(preview, saturation);
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
  const surveyed = preview.kind === "image" && preview.survey ? buffersOf(preview.survey) : [];
  return [...new Set([...arrays.flatMap((one) => (one ? [one.buffer] : [])), ...surveyed])] as Transferable[];
}
