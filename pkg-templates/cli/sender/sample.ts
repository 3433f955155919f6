// The samples that the command line and the page send: events of the testing kit, by short names.
import { demoSession, playlistSession, testEvent } from "walnut-webhooks/testing";
import { newSeed } from "./random.js";

/** Makes an event by its short name; with a seed alone, the event has the time of the seed. */
export const SAMPLES = { demo: demoSession, playlist: playlistSession, test: testEvent };

export type SampleKind = keyof typeof SAMPLES;
export type SampleEvent = ReturnType<(typeof SAMPLES)[SampleKind]>;

export interface SampleOptions {
  /** A number from 0 to 4294967295: the same number makes the same event. The default is a random number. */
  seed?: number | undefined;
  /** When the event is sent, in milliseconds since the Unix epoch. The default is now. */
  at?: number | undefined;
}

/** Makes an event that is sent now. */
export function sample(kind: SampleKind, { seed = newSeed(), at = Date.now() }: SampleOptions = {}): SampleEvent {
  return SAMPLES[kind]({}, { seed, at });
}
