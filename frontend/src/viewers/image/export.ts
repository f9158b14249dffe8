// An image as a file: fetched when somebody first asks for one.

import { api } from "../../api/client";
import type { FileRecord } from "../../api/types";
import { sentence, tell } from "../../core/notices";
import { colour } from "../../core/theme";
import { openDownload, saveBlob } from "../../parts/save";
import { GUTTER } from "../link";
import type { Stage } from "./stage";

/** What is in view with a line above it. */
function picture(stage: Stage, title: string): HTMLCanvasElement {
  stage.draw();
  const { base, top, ratio } = stage;
  const head = 30 * ratio;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [base.width, base.height + head];
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.fillStyle = colour("plot-ground");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(base, 0, head);
  context.drawImage(top, 0, head);
  context.scale(ratio, ratio);
  context.fillStyle = colour("text");
  context.font = `600 14px ${getComputedStyle(top).fontFamily}`;
  context.textBaseline = "middle";
  context.fillText(title, GUTTER.left, 17, stage.box.width);
  return canvas;
}

export function savePicture(stage: Stage, title: string, record: FileRecord): void {
  picture(stage, title).toBlob((blob) => {
    if (!blob) return tell("bad", "The picture could not be made.");
    saveBlob(`${(record.file_name ?? "image").replace(/\.fits(\.gz|\.fz)?$/i, "")}.png`, blob);
  }, "image/png");
}

export async function saveFile(record: FileRecord): Promise<void> {
  try {
    openDownload((await api.get<{ url: string }>(`/files/${record.id}/download`)).url);
  } catch (failure) {
    tell("bad", `The download failed. ${sentence(failure)}`);
  }
}
