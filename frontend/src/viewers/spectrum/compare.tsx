// Other spectra over this one: found among the user's, drawn with a dash of their own.

import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FileRecord, Page } from "../../api/types";
import { useResource, useSettled } from "../../core/fetching";
import { nightName } from "../../core/format";
import { Button, IconButton, Switch, TextField } from "../../parts/controls";
import { Failed, Loading } from "../../parts/states";
import { isSpectrum, load } from "../preview";
import { uncalibrated } from "./axes";
import type { ControlProps } from "./controls";
import type { Laid, Loaded } from "./scene";
import { MOST_OVERLAYS } from "./settings";

const COUNT = 12;
/** Letters the API looks for. */
const [FEWEST, LONGEST] = [2, 80];
const nameOf = (record: FileRecord) => (record.file_name ?? `File ${record.id}`).replace(/\.fits$/, "");

/** The spectra to lay over, as they come; one that cannot be had is said, and the others are shown. */
export function Overlays({ ids, give }: { ids: readonly number[]; give: (overlays: Laid) => void }) {
  const [found, set] = useState<ReadonlyMap<number, Loaded | { error: unknown }>>(new Map());
  const [turn, again] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    for (const id of ids) {
      const known = found.get(id);
      if (known && !("error" in known && turn)) continue;
      const get = async (): Promise<Loaded> => {
        const record = await api.get<FileRecord>(`/files/${id}`, {}, control.signal);
        const preview = await load(record, control.signal);
        if (!isSpectrum(preview)) throw new Error("This file is an image.");
        if (!preview.wavelength) throw new Error("This spectrum has no wavelength calibration.");
        return { id, name: nameOf(record), preview };
      };
      const keep = (value: Loaded | { error: unknown }) => control.signal.aborted || set((old) => new Map(old).set(id, value));
      get().then(keep, (error: unknown) => keep({ error }));
    }
    return () => control.abort();
  }, [ids.join(), turn]);
  useEffect(() => {
    const all = ids.map((id) => ({ id, value: found.get(id) }));
    give({
      ready: all.flatMap(({ value }) => (value && "preview" in value ? [value] : [])),
      failed: all.flatMap(({ id, value }) => (value && "error" in value ? [{ id, error: value.error }] : [])),
      retry: () => again((n) => n + 1),
    });
  }, [ids.join(), found]);
  return null;
}

type Props = ControlProps & { overlays: Laid };

export function Picker({ record, scene, settings, change, overlays }: Props) {
  const [text, setText] = useState("");
  const settled = useSettled(text.trim());
  const search = settled.length >= FEWEST ? settled : "";
  const reason = uncalibrated(scene);
  const found = useResource(
    reason ? null : `overlay-${search}`,
    (signal) => api.get<Page<FileRecord>>("/files", { data_type: "4", obstype: "SPECTRUM", search, page_size: COUNT + 1 + MOST_OVERLAYS }, signal),
    { keep: true },
  );
  if (reason) return <p class="note">{reason} It cannot be compared with others.</p>;
  const full = settings.overlays.length >= MOST_OVERLAYS ? `At most ${MOST_OVERLAYS} spectra are laid over another.` : null;
  const others = (found.data?.results ?? []).filter((one) => one.id !== record.id && !settings.overlays.includes(one.id)).slice(0, COUNT);
  const remove = (id: number) => change({ overlays: settings.overlays.filter((one) => one !== id) });
  return (
    <div class="spectrum-compare">
      {overlays.ready.map((one) => (
        <p key={one.id} class="spectrum-chosen">
          <span>{one.name}</span>
          <IconButton label={`Take ${one.name} away`} icon="close" kind="quiet" onClick={() => remove(one.id)} />
        </p>
      ))}
      {overlays.failed.map(({ id, error }) => (
        <div key={id}>
          <Failed error={error} retry={overlays.retry} />
          <Button kind="quiet" icon="close" onClick={() => remove(id)}>Take file {id} away</Button>
        </div>
      ))}
      {settings.overlays.length > 0 && <Switch label="Scale to the median of this spectrum" on={settings.match} change={(match) => change({ match })} />}
      <TextField label="Find a spectrum by object or file name" type="search" value={text} change={setText} maxLength={LONGEST} />
      {found.error ? <Failed error={found.error} retry={found.reload} /> : !found.data ? <Loading what="Looking for spectra" /> : (
        <ul class="spectrum-found" aria-label="Spectra to lay over this one">
          {others.map((one) => (
            <li key={one.id}>
              <Button icon="plus" kind="quiet" reason={full} onClick={() => change({ overlays: [...settings.overlays, one.id] })}>{nameOf(one)}</Button>
              <small class="soft">{[one.object, nightName(one.night), one.wavmode, one.proposal_id].filter(Boolean).join(" · ")}</small>
            </li>
          ))}
          {!others.length && <li class="soft">{search ? "No other wavelength calibrated spectrum has this in its name." : "There is no other wavelength calibrated spectrum yet."}</li>}
        </ul>
      )}
    </div>
  );
}
