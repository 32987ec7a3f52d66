/**
 * What must not be found where it does not belong: a key, and a word of a memory.
 *
 * A memory in which one clip says and shows a word that no other text holds, and the requests that forget it.
 */
import { wordSpace } from "../../src/engines/local/index.ts";
import type { Entry, ForgetReport, ForgetRequest, Memory } from "../../src/memory/memory.ts";
import { addTestStream, frameOf, remember } from "./memory.ts";

/** A key of an endpoint that nothing else holds. */
export const canaryKey = "sk-ZanzibarCanary-7f3a91";
/** The key as it is, and the part of it that base64 shows however it was placed. */
export const keyTraces = [
  "ZanzibarCanary",
  ...[0, 1, 2].map((before) =>
    Buffer.from(" ".repeat(before) + canaryKey)
      .toString("base64")
      .slice(4, 20),
  ),
];

/** A word that no other text holds, also in the form the text index and the word counts keep. */
export const canary = "zanzibarkanarie";
export const canaryText = `Quentin: the ${canary} sits in the pantry`;
export const canaryPicture = `jpeg of the ${canary}`;

/** Forms of the canary that a file may hold: the word itself and its stem. */
export const traces = [canary, wordSpace.stems(canary)[0]!];

/** Two streams of ten clips. Clip 4 of `kitchen` (40–50 s) says and shows the canary, and a task cites it. */
export async function fillWithCanary(memory: Memory): Promise<Entry> {
  for (const stream of ["kitchen", "hall"]) {
    await addTestStream(memory, stream);
    for (let clip = 0; clip < 10; clip++) {
      const isTarget = stream === "kitchen" && clip === 4;
      const texts = isTarget ? [canaryText] : [`Ann: kettle ${clip} of the ${stream}`, `Rain ${clip}`];
      await remember(memory, stream, clip, texts, {
        frames: [frameOf(clip, isTarget ? canaryPicture : `picture ${stream} ${clip}`)],
        speech: texts.map((text) => ({
          startSeconds: clip * 10,
          endSeconds: clip * 10 + 1,
          text,
          speaker: isTarget ? "Quentin" : "Ann",
        })),
      });
    }
  }
  const [target] = await memory.entries({ streams: ["kitchen"], clips: [4] });
  await addTask(memory, "task_cites", "Who sits there?", [target!.id]);
  await addTask(memory, "task_other", "Which kettle?", []);
  await memory.addGap({
    kind: "gap",
    stream: "kitchen",
    startSeconds: 200,
    endSeconds: 300,
    reason: "source-down",
    detail: "The camera was off.",
  });
  return target!;
}

/** A task, whose answer names the canary if it cites something. */
export async function addTask(memory: Memory, id: string, text: string, citations: readonly string[]) {
  await memory.addTask({
    id,
    askedAtMs: 1,
    asOfSeconds: null,
    stream: null,
    question: { text, options: [] },
    answer: citations.length > 0 ? `The ${canary}` : "Kettle 3",
    option: null,
    abstained: false,
    citations,
    reader: "lexical",
  });
}

/** The counts of a report. */
export const counted = ({ sample: _, dryRun: __, words: ___, outOfReach: ____, ...counts }: ForgetReport) =>
  counts;

/** Counts of a report of nothing. */
export const nothing = {
  entries: 0,
  vectors: 0,
  clips: 0,
  observations: 0,
  tasks: 0,
  adapters: 0,
  gaps: 0,
  streams: 0,
  people: 0,
  faces: 0,
  blobs: 0,
  blobBytes: 0,
};
const oneEntry = {
  ...nothing,
  entries: 1,
  vectors: 1,
  tasks: 1,
  observations: 1,
  blobs: 1,
  blobBytes: canaryPicture.length,
};
/** Requests that forget the canary, by what they name, with what each removes. */
export const canaryRequests: Record<string, [(target: Entry) => ForgetRequest, Partial<typeof nothing>]> = {
  // All clips keep their observations; those of the last ten minutes keep their pictures.
  stream: [
    () => ({ streams: ["kitchen"] }),
    {
      entries: 19,
      vectors: 19,
      clips: 10,
      observations: 10,
      tasks: 1,
      gaps: 1,
      streams: 1,
      blobs: 10,
      blobBytes: canaryPicture.length + 9 * "picture kitchen 0".length,
    },
  ],
  span: [() => ({ fromSeconds: 40, toSeconds: 50, streams: ["kitchen"] }), { ...oneEntry, clips: 1 }],
  person: [() => ({ person: "quentin" }), oneEntry],
  query: [() => ({ query: `the ${canary}` }), oneEntry],
  id: [({ id }) => ({ entries: [id] }), oneEntry],
};
