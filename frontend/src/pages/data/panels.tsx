// What is known of a file besides its picture: each panel is fetched when it is first opened.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { styled } from "../../core/styles";
import { Failed, Loading } from "../../parts/states";

export interface PanelProps {
  record: FileRecord;
  /** All files of the same raw frame. */
  family: FileRecord[];
}

const LOADERS: Record<string, () => Promise<ComponentType<PanelProps>>> = {
  header: async () => (await styled("panels", import("./header-panel"))).HeaderPanel,
  quality: async () => (await styled("panels", import("./quality"))).QualityPanel,
  lineage: async () => (await styled("panels", import("./lineage"))).LineagePanel,
  comments: async () => (await styled("panels", import("./comments"))).CommentsPanel,
  history: async () => (await styled("panels", import("./history"))).HistoryPanel,
};

export const PANELS: { id: string; label: string }[] = [
  { id: "header", label: "Header" },
  { id: "quality", label: "Quality" },
  { id: "lineage", label: "Lineage" },
  { id: "comments", label: "Comments" },
  { id: "history", label: "History" },
];

const loaded = new Map<string, ComponentType<PanelProps>>();
const LOST = new Error("This part of the page could not be fetched. Is the network up, or has the page been updated meanwhile?");

export function Panel({ id, record, family }: PanelProps & { id: string }) {
  const [turn, again] = useState(0);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    let gone = false;
    setLost(false);
    if (!loaded.has(id)) {
      void LOADERS[id]?.().then(
        (found) => {
          loaded.set(id, found);
          if (!gone) again((n) => n + 1);
        },
        () => gone || setLost(true),
      );
    }
    return () => {
      gone = true;
    };
  }, [id, turn]);
  const Found = loaded.get(id);
  // The key: what one file's panel remembers (an open row, a filter) is not another file's.
  if (Found) return <Found key={`${id}-${record.id}`} record={record} family={family} />;
  return lost ? <Failed error={LOST} retry={() => again((n) => n + 1)} /> : <Loading />;
}
