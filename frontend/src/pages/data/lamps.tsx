// The dialog to choose comparison lamps; fetched when somebody first asks for it.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { styled } from "../../core/styles";
import { Dialog } from "../../parts/controls";
import { Failed, Loading } from "../../parts/states";

export interface LampProps {
  record: FileRecord;
  stage: "extract" | "wavelength";
  close: () => void;
  /** No arc: the automatic choice. One, or two that bracket the exposure. */
  ask: (arcs: number[]) => void;
}

let Loaded: ComponentType<LampProps> | undefined;
const LOST = new Error("The list of lamps could not be fetched. Is the network up, or has the page been updated meanwhile?");

export function LampDialog(props: LampProps) {
  const [turn, again] = useState(0);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (Loaded) return;
    let gone = false;
    setLost(false);
    void styled("panels", import("./lamp-choice")).then(
      (found) => {
        Loaded = found.LampChoice;
        if (!gone) again((n) => n + 1);
      },
      () => gone || setLost(true),
    );
    return () => {
      gone = true;
    };
  }, [turn]);
  if (Loaded) return <Loaded {...props} />;
  return (
    <Dialog title="Comparison lamps" close={props.close}>
      {lost ? <Failed error={LOST} retry={() => again((n) => n + 1)} /> : <Loading />}
    </Dialog>
  );
}
