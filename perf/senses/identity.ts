/**
 * Who is who over films whose people are known by where they sit: a wrong merge is a person with faces of two, a split is
 * someone known as two. Faces are found once; then the films are watched in many orders, whole and with those of two people
 * cut into streams of ten seconds, and with pictures left out.
 *
 * A household with faces would be too easy to count: these are five films, and the thresholds were chosen on them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { localEmbedder, wordSpace } from "../../src/engines/local/index.ts";
import { inMemoryStore } from "../../src/memory/in-memory.ts";
import { type FaceFinder, type FrameFaces, faceTracks } from "../../src/perception/faces.ts";
import { seededRandom, shuffle } from "../../src/util/random.ts";
import { framesOf } from "../../test/support/faces.ts";
import { addTestStream, observationOf } from "../../test/support/memory.ts";
import { rowsOf } from "../../test/support/store.ts";
import { printTable } from "../markdown.ts";

interface Film {
  readonly file: string;
  /** Who it is by the middle of the face's box, from 0 to 1; `null` where no one has a face that can be told. */
  readonly who: (middle: number) => string | null;
  /** Whether it is also watched in pieces. @default false */
  readonly cut?: boolean;
}

const films: readonly Film[] = [
  {
    file: "two-people-office-cam4.webm",
    who: (middle) => (middle < 0.5 ? "left man" : "right man"),
    cut: true,
  },
  {
    file: "two-people-meeting-room-cam2.webm",
    who: (middle) => (middle < 0.5 ? "left man" : "right man"),
    cut: true,
  },
  { file: "googlework_short.mp4", who: (middle) => (middle < 0.5 ? "second speaker" : "first speaker") },
  { file: "crowd-walking-vertical.mp4", who: () => "woman" },
  { file: "one-by-one-person-detection.mp4", who: () => null },
];
const clipSeconds = 10;

interface Seen {
  readonly file: string;
  readonly stream: string;
  readonly frames: readonly FrameFaces[];
}

interface Counted {
  /** People with faces of two. */
  readonly merged: number;
  /** Those who are known as two or more. */
  readonly split: number;
  /** Good pictures with a person, of all. */
  readonly given: number;
  readonly good: number;
  /** People where no one can be told. */
  readonly invented: number;
}

/** Prints the table of identity. @param videos folder of recordings */
export async function scoreIdentity(videos: string, finder: FaceFinder, orders = 100): Promise<void> {
  const seen: Seen[] = [];
  const before = process.cpuUsage();
  let pictures = 0;
  for (const { file } of films) {
    const path = join(videos, file);
    if (!existsSync(path)) continue;
    const frames = framesOf(path);
    pictures += frames.length;
    seen.push({ file, stream: file, frames: await finder.find(frames) });
  }
  const { user, system } = process.cpuUsage(before);
  const row = printTable(
    "films",
    "pictures left out",
    "orders",
    "wrong merges",
    "orders with a split",
    "invented",
    "good pictures given",
  );
  for (const [name, streams] of [
    ["whole", seen],
    ["cut", seen.flatMap(pieces)],
  ] as const)
    for (const dropped of [0, 0.3, 0.6]) {
      const random = seededRandom("identity");
      const counts: Counted[] = [];
      for (let i = 0; i < orders; i++)
        counts.push(await watchedIn(shuffle(random, streams), dropped, random));
      const sum = (of: (one: Counted) => number) => counts.reduce((total, one) => total + of(one), 0);
      row(
        ...[name, `${100 * dropped} %`, orders],
        ...[sum(({ merged }) => merged), counts.filter(({ split }) => split > 0).length],
        ...[
          sum(({ invented }) => invented),
          `${((100 * sum(({ given }) => given)) / sum(({ good }) => good)).toFixed(0)} %`,
        ],
      );
    }
  console.log(
    `\n${pictures} pictures; finding faces takes ${((user + system) / 1e6 / pictures).toFixed(2)} s of processor time a picture.\n`,
  );
}

/** A film as streams of ten seconds, where it is to be cut. */
function pieces(one: Seen): Seen[] {
  if (!filmOf(one.file).cut) return [one];
  const clips = Map.groupBy(one.frames, ({ atSeconds }) => Math.floor(atSeconds / clipSeconds));
  return [...clips].map(([clip, frames]) => ({ ...one, stream: `${one.file} ${clip}`, frames }));
}

const filmOf = (file: string): Film => films.find((film) => film.file === file)!;

async function watchedIn(order: readonly Seen[], dropped: number, random: () => number): Promise<Counted> {
  await using memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: () => 0 });
  for (const { stream, frames } of order) {
    await addTestStream(memory, stream);
    const kept = frames.filter(() => random() >= dropped);
    const clips = Map.groupBy(kept, ({ atSeconds }) => Math.floor(atSeconds / clipSeconds));
    for (const [clip, own] of clips) {
      const alone = own.filter(({ faces }) => faces.length === 1).map(({ atSeconds }) => atSeconds);
      const faces = { space: "scored", tracks: faceTracks(own, []), aloneSeconds: alone };
      await memory.addObservation(observationOf(stream, clip, { faces }));
    }
  }
  const rows = (await rowsOf(memory)).flatMap((row) => (row.row === "face" ? [row] : []));
  const truth = rows.map((face) => {
    const { who } = filmOf(order.find(({ stream }) => stream === face.stream)!.file);
    return { ...face, who: who(face.box.left + face.box.width / 2) };
  });
  const own = truth.filter(({ person }) => person !== null);
  const people = Map.groupBy(own, ({ person }) => person);
  const known = Map.groupBy(own, ({ who }) => who);
  const distinct = <T>(values: readonly T[]) => new Set(values).size;
  return {
    merged: [...people.values()].filter((faces) => distinct(faces.map(({ who }) => who)) > 1).length,
    split: [...known].filter(
      ([who, faces]) => who !== null && distinct(faces.map(({ person }) => person)) > 1,
    ).length,
    invented: own.filter(({ who }) => who === null).length,
    given: own.reduce((sum, { good }) => sum + good, 0),
    good: truth.reduce((sum, { good }) => sum + good, 0),
  };
}
