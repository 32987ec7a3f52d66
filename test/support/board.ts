/**
 * A small made-up memory to look at: a film that can be played, a camera at a door with a gap and pictures but no recording,
 * clips that failed, facts, questions with answers and feedback, and what was learned from them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCanvas } from "@napi-rs/canvas";
import { openSources } from "../../src/index.ts";
import type { ClipFaces } from "../../src/perception/faces.ts";
import type { Observation } from "../../src/perception/observation.ts";
import { openTaskMem, type TaskMem } from "../../src/taskmem.ts";
import { makeDirectory } from "../../src/util/directory.ts";
import { formatSeconds } from "../../src/util/time.ts";

/** What was made. */
export interface BoardMemory {
  /** Id of the space. */
  readonly space: string;
  /** Path of the film. */
  readonly film: string;
}

/** Fills the space `home` below a root directory. @param nowMs the camera's latest clip ends a minute before it */
export async function boardMemory(root: string, nowMs: number): Promise<BoardMemory> {
  const directory = join(root, "home");
  makeDirectory(directory);
  makeDirectory(join(root, "films"));
  const film = join(root, "films", "kitchen.mp4");
  await writeFilm(film);
  const memory = await openTaskMem({ directory, screenText: false });
  const [source] = await openSources(film);
  // What is shown is not the folder of a test.
  const named = Object.create(source!, { description: { value: "films/kitchen.mp4" } });
  for await (const _ of memory.watch(named, { stream: "kitchen" }));
  await addDoor(memory, nowMs);
  await addCosts(memory, nowMs);
  await memory.remember({ text: "Mia is allergic to walnuts.", id: "walnuts", atMs: nowMs - 86_400_000 });
  await memory.remember({ text: "The bins are emptied on Tuesdays.", id: "bins", atMs: nowMs - 3_600_000 });
  for (const question of questions) {
    const { task } = await memory.ask(question);
    if (!question.includes("allergic")) continue;
    await memory.store.addFeedback(task!, { atMs: nowMs, verdict: "right", correction: null });
  }
  await memory.settled();
  await memory.learn();
  // The gate wants more questions than these, so a person decides.
  const [first, second] = await memory.adapters.list();
  await memory.adapters.promote(first!.id);
  if (second) await memory.adapters.promote(second.id);
  await memory.close();
  return { space: "home", film };
}

const questions = [
  "What is Mia allergic to?",
  "When does the second parcel come?",
  "How long does the dough rest?",
  "When are the bins emptied?",
  "What did the courier say about the parcel?",
  "What colour is the neighbour's car?",
  "How hot is the oven?",
  "Who took the parcel inside?",
  "What did Ann say about the garden gate?",
  "How much flour goes into the dough?",
];

const kitchen: readonly (readonly [at: number, speaker: string, text: string])[] = [
  [2, "Ann", "First we weigh the flour, five hundred grams of it."],
  [8, "Ben", "And a pinch of salt."],
  [14, "Ann", "The yeast goes into warm water, not hot water."],
  [21, "Ben", "How long does the dough rest?"],
  [25, "Ann", "The dough rests for forty minutes under a cloth."],
  [33, "Ben", "It smells good already."],
  [38, "Ann", "Set the oven to two hundred and twenty degrees."],
  [46, "Ben", "Where is the baking tin?"],
  [50, "Ann", "The baking tin is in the lower drawer."],
  [57, "Ben", "Then we have time for coffee."],
  [63, "Ann", "My sister Clara arrives on Friday with the evening train."],
  [71, "Ben", "Do we pick her up?"],
  [75, "Ann", "Yes, the train arrives at ten past seven."],
  [83, "Ben", "Good, I will write it down."],
];

const door: readonly (readonly [clip: number, speaker: string | null, text: string])[] = [
  [0, "Ann", "I left the garden gate open for the gardener."],
  [0, null, "A grey cat walks past the step."],
  [1, "Courier", "Good morning, I have a parcel for Mia, it needs a signature."],
  [1, "Ann", "Please put the parcel behind the flower pot."],
  [2, "Courier", "The second parcel comes on Thursday afternoon."],
  [4, "Ben", "Is the tall ladder still in your shed?"],
  [4, "Ann", "Yes, take the ladder, but bring it back by Sunday."],
  [5, null, "A blue van stops in front of the house."],
  [8, "Mia", "The parcel is not behind the flower pot any more."],
  [8, "Ann", "Ben took the parcel inside because of the rain."],
  [9, "Mia", "Then I will fetch it from Ben after school."],
  [11, "Ben", "Hello, here is the parcel, and the ladder is back in the shed."],
];

/** A camera at a door: pictures and speech, an hour of it missing, two clips that failed. */
async function addDoor({ store }: TaskMem, nowMs: number): Promise<void> {
  const clipSeconds = 10;
  const hour = 3600 / clipSeconds;
  const originMs = nowMs - 60_000 - (14 + hour) * clipSeconds * 1000;
  await store.addStream({
    ...{ id: "front-door", description: "rtsp://camera.lan/front-door", clipSeconds, fingerprint: null },
    clock: { kind: "wall", originMs },
  });
  const lease = await store.lease("front-door");
  for (let i = 0; i < 14; i++) {
    const clip = i < 6 ? i : i + hour;
    const at = clip * clipSeconds;
    const texts = door
      .filter(([of]) => of === i)
      .map(([, speaker, text], n) => ({
        startSeconds: at + 1 + 4 * n,
        endSeconds: at + 4 + 4 * n,
        text,
        speaker,
      }));
    const visitor = visitors[i];
    const observation: Observation = {
      ...{ stream: "front-door", clip, startSeconds: at, endSeconds: at + clipSeconds },
      frames: [1, 5, 8].map((s) => ({
        ...{ atSeconds: at + s, width: 448, height: 252 },
        jpeg: drawDoor(i / 14, texts.length > 0 ? (0.37 * i + s / 10) % 1 : null, i >= 1 && i < 8),
      })),
      speech: texts.filter(({ speaker }) => speaker !== null),
      captions: texts.filter(({ speaker }) => speaker === null),
      ...{ screen: [], shots: [], people: [], tiers: { speech: "stream" }, problems: [] },
      ...(visitor !== undefined && { faces: facesOf(visitor, at) }),
    };
    await store.addObservation(observation);
    if (i === 6 || i === 7) {
      const failure = { code: "timeout", message: "The model at the endpoint did not answer within 120 s." };
      await store.failClip("front-door", clip, { ...failure, retryable: i === 7 });
      continue;
    }
    await store.commit({
      ...{ stream: "front-door", clips: [clip], policy: "choice", revision: "choice@1", stateChange: null },
      statements: texts
        .filter((_, n) => n === 0 || i === 8)
        .map(({ speaker, text, ...span }) => ({
          ...{ clip, kind: "episodic", ...span, speakers: speaker ? [speaker] : [] },
          text: speaker ? `${speaker}: ${text}` : text,
          sources: [{ kind: speaker ? "speech" : "caption", ...span, text, speaker, confidence: null }],
          frameSeconds: [at + 1, at + 5],
        })),
    });
  }
  await store.addGap({
    ...{ kind: "gap", stream: "front-door", startSeconds: 60, endSeconds: 60 + hour * clipSeconds },
    ...{ reason: "source-down", detail: "the camera could not be reached" },
  });
  await lease.release();
}

/** What a model at an endpoint would have cost in the last twelve days. */
async function addCosts({ store }: TaskMem, nowMs: number): Promise<void> {
  for (let day = 0; day < 12; day++) {
    const atMs = nowMs - day * 86_400_000;
    const cost = (calls: number) => ({
      ...{ calls, promptTokens: 1400 * calls, completionTokens: 60 * calls, usd: 0.0009 * calls },
      pricedBy: { server: 0, table: calls, none: 0 },
    });
    const calls = 180 + 40 * ((day * 5) % 7);
    await store.addSpent({ stream: "front-door", purpose: "write", atMs, cost: cost(calls) });
    await store.addSpent({ stream: "front-door", purpose: "answer", atMs, cost: cost(20 + 6 * (day % 3)) });
    if (day % 5 === 1) await store.addSpent({ stream: null, purpose: "learn", atMs, cost: cost(70) });
  }
}

/** Who stands before the camera, by clip: the courier twice, Ben twice, and Mia twice. */
const visitors: Readonly<Record<number, number>> = { 1: 0, 2: 0, 4: 4, 8: 8, 9: 8, 11: 4 };

/** One face through a clip. @param place where its likeness is among those of others */
function facesOf(place: number, at: number): ClipFaces {
  const vector = Float32Array.of(place, 0);
  const atSeconds = [1, 2, 3, 4].map((second) => at + second);
  const track = {
    ...{
      atSeconds,
      vectors: atSeconds.map(() => vector),
      vector,
      crop: drawFace(place),
      cropSeconds: at + 1,
    },
    box: { left: 0.4, top: 0.2, width: 0.1, height: 0.2 },
  };
  return { space: "board", tracks: [track], aloneSeconds: atSeconds };
}

function drawFace(place: number): Uint8Array {
  const canvas = createCanvas(96, 96);
  const c = canvas.getContext("2d");
  c.fillStyle = `hsl(${190 + 14 * place} 30% 72%)`;
  c.fillRect(0, 0, 96, 96);
  const disc = (style: string, x: number, y: number, r: number) => {
    c.fillStyle = style;
    c.beginPath();
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
  };
  disc(`hsl(${20 + 4 * place} 45% ${30 + 4 * place}%)`, 48, 40, 31);
  disc("#d8a987", 48, 50, 27);
  disc("#2b2f33", 38, 48, 3);
  disc("#2b2f33", 58, 48, 3);
  c.fillStyle = "#9c5a4a";
  c.fillRect(40, 62, 16, 3);
  return canvas.toBuffer("image/jpeg", 88);
}

/** A door with a step, someone in front of it, a parcel. @param day 0 to 1 @param person from left to right, 0 to 1 */
function drawDoor(day: number, person: number | null, hasParcel: boolean): Uint8Array {
  const canvas = createCanvas(448, 252);
  const c = canvas.getContext("2d");
  const box = (style: string, ...[x, y, w, h]: [number, number, number, number]) => {
    c.fillStyle = style;
    c.fillRect(x, y, w, h);
  };
  const sky = c.createLinearGradient(0, 0, 0, 170);
  sky.addColorStop(0, `hsl(${205 + 20 * day} 45% ${72 - 22 * day}%)`);
  sky.addColorStop(1, `hsl(${40 - 10 * day} 60% ${86 - 12 * day}%)`);
  c.fillStyle = sky;
  c.fillRect(0, 0, 448, 252);
  box("#7d8f6a", 0, 168, 448, 84);
  box("#b9a58b", 0, 40, 190, 150);
  box("#6b4a34", 60, 78, 62, 112);
  box("#d9c58f", 110, 132, 5, 5);
  box("#9aa3a8", 40, 188, 108, 12);
  box("#c9cfd2", 148, 200, 300, 26);
  box("#a4553f", 158, 170, 22, 26);
  box("#5f8a4a", 154, 146, 30, 26);
  if (hasParcel) box("#b98a4e", 184, 178, 26, 20);
  if (person !== null) {
    const x = 150 + 220 * person;
    box("#2f4a5c", x, 128, 30, 62);
    box("#23323c", x + 2, 188, 10, 26);
    box("#23323c", x + 18, 188, 10, 26);
    c.fillStyle = "#d8a987";
    c.beginPath();
    c.arc(x + 15, 114, 13, 0, 2 * Math.PI);
    c.fill();
  }
  return canvas.toBuffer("image/jpeg", 82);
}

/** A bowl on a table, more or less full, under a window. @param share of the film, 0 to 1 */
function drawKitchen(share: number): Uint8Array {
  const canvas = createCanvas(448, 252);
  const c = canvas.getContext("2d");
  c.fillStyle = "#e9e2d2";
  c.fillRect(0, 0, 448, 252);
  c.fillStyle = `hsl(${200 + 15 * share} 55% ${80 - 20 * share}%)`;
  c.fillRect(270, 28, 130, 92);
  c.strokeStyle = "#ffffff";
  c.lineWidth = 6;
  c.strokeRect(270, 28, 130, 92);
  c.strokeRect(335, 28, 0.1, 92);
  c.fillStyle = "#a67c52";
  c.fillRect(0, 178, 448, 74);
  c.fillStyle = "#efe6cf";
  c.beginPath();
  c.ellipse(150, 166 - 26 * share, 58, 18 + 22 * share, 0, 0, 2 * Math.PI);
  c.fill();
  c.fillStyle = "#5b7f95";
  c.beginPath();
  c.moveTo(78, 148);
  c.lineTo(222, 148);
  c.quadraticCurveTo(206, 214, 150, 214);
  c.quadraticCurveTo(94, 214, 78, 148);
  c.fill();
  c.fillStyle = "#d8a987";
  c.beginPath();
  c.arc(250 + 60 * Math.sin(12 * share), 196, 15, 0, 2 * Math.PI);
  c.fill();
  return canvas.toBuffer("image/jpeg", 85);
}

/** 90 s of a kitchen at two frames a second, with what is said in a subtitle file beside it. */
async function writeFilm(path: string): Promise<void> {
  const stamp = (seconds: number) => `${formatSeconds(seconds)},000`;
  const lines = kitchen.map(
    ([at, speaker, text], i) => `${i + 1}\n${stamp(at)} --> ${stamp(at + 4)}\n${speaker}: ${text}\n`,
  );
  writeFileSync(path.replace(/mp4$/, "srt"), lines.join("\n"));
  const made = ["-f", "image2pipe", "-framerate", "2", "-c:v", "mjpeg", "-i", "-"];
  const sound = ["-f", "lavfi", "-i", "sine=frequency=220:duration=90"];
  const coded = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "8",
    "-c:a",
    "aac",
    "-b:a",
    "32k",
  ];
  const ffmpeg = spawn(
    "ffmpeg",
    ["-loglevel", "error", "-y", ...made, ...sound, ...coded, "-movflags", "+faststart", "-shortest", path],
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  const frames = 180;
  for (let i = 0; i < frames; i++)
    if (!ffmpeg.stdin.write(drawKitchen(i / frames))) await once(ffmpeg.stdin, "drain");
  ffmpeg.stdin.end();
  const [code] = await once(ffmpeg, "close");
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}
