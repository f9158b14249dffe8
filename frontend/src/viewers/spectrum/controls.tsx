// The controls of the 1-D viewer that are always there; the rest is folded away (axes.tsx).

import type { ComponentChildren } from "preact";
import type { FileRecord } from "../../api/types";
import { Button, Choice, IconButton } from "../../parts/controls";
import type { Scene } from "./scene";
import { type Settings, toggleLines, WIDTHS } from "./settings";

export interface ControlProps {
  record: FileRecord;
  scene: Scene;
  settings: Settings;
  change: (change: Partial<Settings>) => void;
}

interface Movement {
  /** What else goes into the row. */
  children: ComponentChildren;
  zoom: (factor: number) => void;
  /** By a part of what is in view. */
  move: (part: number) => void;
  reset: () => void;
  whole: boolean;
}

const SMOOTHING = WIDTHS.map((width) => [String(width), width === 1 ? "None" : `${width} pixels`] as const);
const SKIES = [["off", "Off"], ["same", "Same scale"], ["own", "Own scale"]] as const;

export function MainControls({ settings, change, zoom, move, reset, whole, children }: ControlProps & Movement) {
  const all = whole ? "All is in view." : null;
  return (
    <div class="spectrum-controls" role="group" aria-label="How the spectrum is shown">
      <span class="buttons">
        <IconButton label="Zoom in (+)" icon="zoomin" onClick={() => zoom(0.5)} />
        <Button aria-label="Zoom out (−)" title="Zoom out (−)" class="spectrum-minus" reason={all} onClick={() => zoom(2)}>−</Button>
        <IconButton label="Move to the left (←)" icon="left" reason={all} onClick={() => move(-0.2)} />
        <IconButton label="Move to the right (→)" icon="right" reason={all} onClick={() => move(0.2)} />
        <IconButton label="Show all (0)" icon="reset" reason={all} onClick={reset} />
      </span>
      <span class="buttons">
        <Button aria-pressed={settings.step} onClick={() => change({ step: !settings.step })}>Steps</Button>
        <Button aria-pressed={settings.band} onClick={() => change({ band: !settings.band })}>±1σ</Button>
        <Button aria-pressed={settings.lists.length > 0} onClick={() => change({ lists: toggleLines(settings) })}>Lines</Button>
      </span>
      <Choice label="Sky" inline value={settings.sky} options={SKIES} change={(sky) => change({ sky })} />
      <Choice label="Smoothing" inline value={String(settings.smooth)} options={SMOOTHING} change={(width) => change({ smooth: Number(width) })} />
      {children}
    </div>
  );
}
