/**
 * The released checkpoint behind vLLM, from its preset: a window of 50 s as one video with tags and subtitles painted on it,
 * tags in and out, what it thought left out of memory. The server answers as the documented exchange does; faces are those
 * of two drawn heads, found by their colours.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { createAgent } from "../src/agent.ts";
import { parseConfig } from "../src/config.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import type { FaceFinder, FoundFace } from "../src/perception/faces.ts";
import type { Clip, Frame, Source } from "../src/stream/clip.ts";
import { configuredModel, configuredModelPolicy } from "../src/taskmem/assembly.ts";
import { createCanvas, GlobalFonts, loadImage } from "../src/util/canvas.ts";
import type { ExchangeFile } from "./support/exchanges.ts";
import { openTestMemory, temporaryFolder } from "./support/memory.ts";
import { type Json, startOpenAiServer } from "./support/openai-server.ts";

const exchange = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "exchanges/vllm/checkpoint.json"), "utf8"),
) as ExchangeFile;
const recorded = String(exchange.exchanges[0]!.answer.body);
const folder = temporaryFolder("checkpoint");
const skip = GlobalFonts.families.length === 0 ? "no font is installed" : false;

const size = { width: 448, height: 256 };
const heads = { green: [0, 200, 0], blue: [0, 0, 255] } as const;
type Head = keyof typeof heads;

/** A picture of heads on grey, each at its place. */
async function picture(atSeconds: number, shown: readonly { head: Head; left: number }[]): Promise<Frame> {
  const canvas = createCanvas(size.width, size.height);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "rgb(128, 128, 128)";
  pen.fillRect(0, 0, size.width, size.height);
  for (const { head, left } of shown) {
    pen.fillStyle = `rgb(${heads[head].join(", ")})`;
    pen.fillRect(left, 60, 50, 60);
  }
  return { atSeconds, ...size, jpeg: await canvas.encode("jpeg", 95) };
}

const pixelsOf = async (jpeg: Uint8Array) => {
  const image = await loadImage(Buffer.from(jpeg));
  const pen = createCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  return (x: number, y: number) => [...data.slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 3)];
};
const isNear = (a: readonly number[], b: readonly number[]) =>
  a.every((part, i) => Math.abs(part - b[i]!) < 60);

/** Finds each head by its colour. */
const finder: FaceFinder = {
  id: "colours",
  find: (frames) =>
    Promise.all(
      frames.map(async ({ atSeconds, width, height, jpeg }) => {
        const at = await pixelsOf(jpeg);
        const faces = (Object.keys(heads) as Head[]).flatMap((head): FoundFace[] => {
          const columns = Array.from({ length: width }, (_, x) => x).filter((x) =>
            isNear(at(x, 90), heads[head]),
          );
          if (columns.length === 0) return [];
          const box = { left: columns[0]!, top: 60, width: columns.length, height: 60 };
          return [{ box, score: 1, vector: Float32Array.of(head === "green" ? 0 : 2, 0), crop: jpeg }];
        });
        return { atSeconds, width, height, faces };
      }),
    ),
};

/** Green is there in the first clip, blue from then on; blue moves. */
async function clip(index: number): Promise<Clip> {
  const start = 10 * index;
  const moments = Array.from({ length: 20 }, (_, i) => start + i / 2);
  const frames = await Promise.all(
    moments.map((at) =>
      picture(at, [
        ...(index === 0 ? [{ head: "green", left: 40 } as const] : []),
        { head: "blue", left: 200 + 10 * (at - start) } as const,
      ]),
    ),
  );
  return {
    ...{ kind: "clip", stream: "hall", index, startSeconds: start, endSeconds: start + 10 },
    ...{ frames, largeFrames: [], audio: null, shots: [] },
    cues: [
      {
        ...{ kind: "speech", origin: "stream", speaker: null, language: null },
        ...{ startSeconds: start + 2, endSeconds: start + 5, text: `The lantern is number ${index}.` },
      },
    ],
  };
}

const source: Source = {
  ...{ id: "hall", description: "hall", live: false, clock: { kind: "media" }, clipSeconds: 10 },
  ...{ endSeconds: 60, fingerprint: null, leftOut: [] },
  open: async function* () {
    for (let index = 0; index < 6; index++) yield await clip(index);
  },
};

/** What it writes of each clip: of both, of one who is there no more and one who never was, of the one who is left. */
const written = [
  "<face_1> and <face_2> come in.",
  "<face_2> waves after <face_1>, and <face_7> laughs.",
  "Jack (<face_2>) reads.",
  "<face_2> drinks tea.",
  "<face_2> stands up.",
  "<face_1> sings.",
];

test("one preset runs the checkpoint: tags painted and told, taken back, and thought left out", {
  skip,
}, async (t) => {
  const server = await startOpenAiServer({ models: ["taskmem"] });
  t.after(() => server.close());
  server.setFaults(({ text }) => {
    const index = written.findIndex((_, i) => text.includes(`newest clip runs from 00:00:${i}0`));
    return index < 0
      ? undefined
      : {
          kind: "answer",
          respond: (response) => {
            response.writeHead(200, { "content-type": "text/event-stream" });
            response.end(recorded.replace("<face_1> comes in.", written[index]!));
          },
        };
  });
  const preset = "taskmem-checkpoint" as const;
  const config = parseConfig({ people: true, model: { baseUrl: server.baseURL, model: "taskmem", preset } });
  await using memory = await openTestMemory(join(folder, "memory"));
  const agent = createAgent({
    ...{ memory, policy: configuredModelPolicy(config, configuredModel(config)!) },
    perceptors: { transcriber: null, language: null, screenReader: null, faces: finder },
    reader: lexicalReader({ words: wordSpace }),
  });
  for await (const event of agent.watch(source))
    if (event.event === "clip-end") assert.deepEqual(event.problems, []);
    else assert.notEqual(event.event, "clip-failed", JSON.stringify(event));

  const texts = async () => (await memory.entries()).map(({ text }) => text);
  assert.deepEqual(await texts(), [
    "[person_1] and [person_2] come in.",
    "[person_2] waves after [person_1], and someone laughs.",
    "[person_2] reads.",
    "[person_2] drinks tea.",
    "[person_2] stands up.",
    "[person_2] sings.",
  ]);
  await memory.changePeople({ kind: "name", person: 2, name: "Ben" });
  assert.equal((await texts())[5], "Ben sings.");

  const asked = server.requests.filter(({ text }) => text.includes("newest clip runs"));
  const [second, last] = [asked[1]!, asked[5]!];
  assert.match(second.text, /what came before:\n\n<face_1> and <face_2> come in\.$/);
  // Green left the window with the first clip; a memory of the second still mentions it.
  assert.match(last.text, /<face_1>, no name known, seen at/);
  assert.match(
    last.text,
    /what came before:\n\n<face_1> waves after <face_2>, and someone laughs\. <face_1> reads\./,
  );
  assert.ok(
    !/person_|lantern/.test(last.text),
    "no label of the memory, and what is painted is not told twice",
  );
  const [message] = last.body.messages as { content: Json[] }[];
  assert.deepEqual(
    message!.content.map(({ type }) => type),
    ["text", "video_url", "text"],
  );
  assert.equal(last.pictures.length, 100);

  // The frame at 52.5 s: blue's box between the places of its two seconds, its label above, what is said below.
  const { url } = message!.content[1]!.video_url as { url: string };
  const frames = url.slice(url.indexOf(",") + 1).split(",");
  const at = await pixelsOf(Buffer.from(frames[80 + 5]!, "base64"));
  // JPEG mixes the colours of neighbours.
  const isRed = (x: number, y: number) => at(x, y)[0]! > 120 && at(x, y)[0]! > at(x, y)[1]! + 60;
  assert.ok(isRed(225, 90) && isRed(275, 90) && isRed(250, 60) && isRed(250, 120), "the box");
  assert.ok(isRed(226, 46) && !isRed(226, 30), "its label");
  assert.ok(at(224, 246)[0]! > 150, "the band of the subtitle");
  const silent = await pixelsOf(Buffer.from(frames[80 + 14]!, "base64"));
  assert.ok(isNear(silent(224, 246), [128, 128, 128]), "no band where nothing is said");
});
