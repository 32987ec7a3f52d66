/** Made-up lines of talk, for tests of the reader without a model. */
import type { Entry } from "../../../memory/memory.ts";

/** A line, when it was said, and its cosine to the question. */
export type Line = readonly [text: string, atSeconds: number, cosine: number];

/** The memory of a line, "Name: words", of the stream `home`; its id is `e` and when it was said. @param change what is other */
export function entry(text: string, atSeconds: number, change: Partial<Entry> = {}): Entry {
  const speaker = /^(\p{L}+): /u.exec(text)?.[1];
  return {
    ...{ id: `e${atSeconds}`, stream: "home", clip: Math.floor(atSeconds / 10), kind: "episodic" },
    ...{ startSeconds: atSeconds, endSeconds: atSeconds + 2, writtenAtMs: atSeconds * 1000, text },
    ...{ speakers: speaker ? [speaker] : [], policy: "test", revision: "1", closed: null },
    evidence: {
      clips: [],
      startSeconds: atSeconds,
      endSeconds: atSeconds + 2,
      frames: [],
      sources: [],
      tiers: {},
    },
    ...change,
  };
}
