// Short names for the contract's schemas (contract.d.ts is made from docs/openapi.json by `npm run types`).

import type { components } from "./contract";

type Schemas = components["schemas"];
type Open = Record<string, unknown>;

export interface Quality {
  signal_to_noise?: number | null;
  wavelength_rms?: number | null;
  fwhm?: number | null;
  [name: string]: unknown;
}
export interface Failure {
  block: string;
  code: string;
  sentence: string;
  retryable: boolean;
  attempts?: number;
}
export type FileRecord = Omit<Schemas["File"], "quality" | "failure" | "bad" | "id"> & {
  id: number;
  quality: Quality;
  failure: Failure | null;
  bad: { reason?: string; by?: string; at?: string } | null;
};
export interface Page<T> {
  count: number | null;
  next: string | null;
  previous: string | null;
  results: T[];
}
export type Event = Schemas["Event"];
export type Feed = Schemas["Feed"];
export type Problem = Schemas["Problem"];
export type Profile = Schemas["Profile"];
export type User = Schemas["User"];
export type Session = Schemas["Session"];
export type Proposal = Schemas["ListedProposal"];
export type FullProposal = Schemas["FullProposal"];
export type Comment = Schemas["Comment"];
export type Job = Schemas["Job"];
export type Accepted = Schemas["Accepted"];
export type Header = Omit<Schemas["Header"], "cards"> & {
  cards: { keyword: string; value: unknown; comment: string }[];
};
export type Candidates = Schemas["Candidates"];
export type Candidate = Schemas["Candidate"];
export type Choices = Schemas["Choices"];
export type FacetMenus = Schemas["FacetMenus"];
export type NightSummary = Schemas["Night"];
export type ObservingLog = Schemas["ObservingLog"];
export type Settings = Schemas["Settings"];
export type ProposalSettings = Schemas["ProposalSettings"];
export type Lineage = Schemas["Lineage"];
export type Imported = Schemas["Imported"];
export type Aperture = Schemas["Aperture"];
export type Visualization = Omit<Schemas["Visualization"], "quality" | "details" | "overlays"> & {
  quality: Quality;
  details: Open;
  overlays: (Omit<Schemas["Visualization"]["overlays"][number], "overlay"> & { overlay: Overlay })[];
};
/** A target on a reduced frame: rows of the frame's own pixels. */
export interface Overlay {
  trace_columns: number[];
  trace: number[];
  target: [number, number];
  sky: [number, number][];
  fwhm?: number | null;
}
