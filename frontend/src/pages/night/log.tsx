// The observing log: a line a frame, or a card where the window is narrow.

import { useSignalEffect } from "@preact/signals";
import { useMemo, useRef, useState } from "preact/hooks";
import { figure, fixed, whole } from "../../core/format";
import { href } from "../../core/router";
import { Button, Status, Time } from "../../parts/controls";
import { FileName } from "../../parts/filename";
import { useNarrow } from "../../parts/narrow";
import { elements, type Frame } from "./frames";
import { CommentButton } from "./notes";
import { lit } from "./strip";

/** Lines drawn before somebody asks for all. */
const MOST = 300;

export function Log({ night, frames, comment }: { night: number; frames: Frame[]; comment: (frame: Frame) => void }) {
  const narrow = useNarrow();
  const [all, setAll] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const open = useRef(comment);
  open.current = comment;
  // The mark goes from line to line without drawing the table again: a night has hundreds of lines.
  const mark = () => {
    box.current?.querySelector(".lit")?.classList.remove("lit");
    if (lit.value !== null) box.current?.querySelector(`[data-frame="${lit.value}"]`)?.classList.add("lit");
  };
  useSignalEffect(mark);
  const point = (event: Event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-frame]") : null;
    if (row) lit.value = Number(row.getAttribute("data-frame"));
  };
  const shown = all ? frames : frames.slice(0, MOST);
  const lines = useMemo(
    () => {
      const given = { night, frames: shown, comment: (frame: Frame) => open.current(frame) };
      return narrow ? <Cards {...given} /> : <Lines {...given} />;
    },
    [frames, all, narrow],
  );
  return (
    <>
      <div ref={box} class={narrow ? "frame-cards" : "table-box frames"} onPointerOver={point} onFocusIn={point}
        {...(narrow ? {} : { tabIndex: 0, role: "region", "aria-label": "Frames of the night" })}>
        {lines}
      </div>
      {frames.length > shown.length && (
        <Button onClick={() => setAll(true)}>{`Show all ${whole(frames.length)} frames`}</Button>
      )}
    </>
  );
}

interface LinesProps { night: number; frames: Frame[]; comment: (frame: Frame) => void }

const dataOf = (frame: Frame, night: number) => (
  <a class="frame-name" href={href("data", frame.id, { night })} aria-label={frame.file_name ?? String(frame.id)}>
    <FileName text={frame.file_name ?? String(frame.id)} />
  </a>
);

function Lines({ night, frames, comment }: LinesProps) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">UT</th><th scope="col">File</th><th scope="col">Object</th><th scope="col">Obstype</th>
          <th scope="col" class="number">Exp. (s)</th><th scope="col">Status</th><th scope="col">Comments</th><th scope="col" class="number">S/N</th>
          <th scope="col" class="number" title="FWHM along the slit">Seeing (″)</th><th scope="col" class="number" title="rms of the wavelength solution">rms (Å)</th>
          <th scope="col" class="number">Airmass</th><th scope="col">Grating, mode</th><th scope="col">Slit</th><th scope="col">Filters</th>
        </tr>
      </thead>
      <tbody>
        {frames.map((frame) => (
          <tr key={frame.id} data-frame={frame.id}>
            <td><Time at={frame.time} short /></td>
            <th scope="row">{dataOf(frame, night)}</th>
            <td>{frame.object ?? "–"}</td>
            <td>{frame.obstype ?? "–"}</td>
            <td class="number">{figure(frame.exposure, 4)}</td>
            <td class="frame-why"><Status status={frame.status} /><Reason frame={frame} /></td>
            <td class="frame-said">
              <div>
                <CommentButton frame={frame} open={comment} />
                <Said frame={frame} />
              </div>
            </td>
            <td class="number">{fixed(frame.signal_to_noise, 1)}</td>
            <td class="number">{fixed(frame.seeing, 2)}</td>
            <td class="number">{fixed(frame.wavelength_rms, 3)}</td>
            <td class="number">{fixed(frame.airmass, 2)}</td>
            <td>{elements(frame.grating, frame.wavmode)}</td>
            <td>{elements(frame.slit)}</td>
            <td>{elements(frame.filter, frame.filter_2)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The newest comment in one line; all of them on hover, and where the button leads. */
function Said({ frame }: { frame: Frame }) {
  const words = frame.comments.map((one) => `${one.author}: ${one.text}`);
  return words.length ? <p title={words.join("\n")}>{words.at(-1)}</p> : null;
}

const Reason = ({ frame }: { frame: Frame }) => (frame.status_reason ? <p class="soft" title={frame.status_reason}>{frame.status_reason}</p> : null);

function Cards({ night, frames, comment }: LinesProps) {
  return (
    <ul>
      {frames.map((frame) => (
        <li key={frame.id} class="panel" data-frame={frame.id}>
          <p class="card-line"><strong><Time at={frame.time} short />{frame.time && " UT"}</strong><Status status={frame.status} /></p>
          <p class="card-line">{dataOf(frame, night)}</p>
          <p class="card-line">
            <span>{frame.obstype ?? "–"} <strong>{frame.object ?? ""}</strong></span>
            <span class="soft">{figure(frame.exposure, 4)} s, airmass {fixed(frame.airmass, 2)}</span>
          </p>
          {(frame.signal_to_noise !== null || frame.wavelength_rms !== null) && (
            <p class="card-line"><span>S/N {fixed(frame.signal_to_noise, 1)}</span><span>seeing {fixed(frame.seeing, 2)}″</span><span>rms {fixed(frame.wavelength_rms, 3)} Å</span></p>
          )}
          <p class="card-line soft">{elements(frame.grating, frame.wavmode, frame.slit, frame.filter, frame.filter_2)}</p>
          <Reason frame={frame} />
          <div class="card-line">
            <span>{frame.comments.slice(-2).map((one) => <p key={one.id}>{one.author}: {one.text}</p>)}</span>
            <CommentButton frame={frame} open={comment} />
          </div>
        </li>
      ))}
    </ul>
  );
}
