/** What a playlist repeats after a reconnect is cut once; texts and dates are placed with the picture. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clip, Gap } from "../clip.ts";
import { Hls } from "./hls.ts";
import { LiveCutter, type LiveCutterOptions } from "./live-cutter.ts";

const dated = (i: number) => `#EXT-X-PROGRAM-DATE-TIME:${new Date(i * 1000).toISOString()}\n`;

/** A live playlist of segments of 2 s, from a number on. */
function playlist(first: number, count: number, date?: (i: number) => string): string {
  const lines = Array.from({ length: count }, (_, i) => first + i).map(
    (i) => `${date?.(i) ?? ""}#EXTINF:2,\ns${i}.ts\n`,
  );
  return `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${lines.join("")}`;
}

async function cutterOf(text: () => string, options: Partial<LiveCutterOptions> = {}) {
  const fetch = async () => new Response(text());
  const hls = await Hls.open("http://camera.example/v.m3u8", { languages: [], wantsTexts: true, fetch });
  return new LiveCutter({
    ...{ id: "door", clipSeconds: 4, name: "door", fromSeconds: 0, openedSeconds: 100 },
    ...{ originMs: 0, hls, texts: null },
    ...options,
  });
}

/** Adds two frames a second of one connection, whose first packet comes at `nowSeconds`. */
async function connected(
  cutter: LiveCutter,
  from: { mediaSeconds: number; nowSeconds: number; url: string },
  seconds: number,
): Promise<(Clip | Gap)[]> {
  cutter.setOrigin({ mediaSeconds: from.mediaSeconds, urls: [`http://camera.example/${from.url}`] });
  const items: (Clip | Gap)[] = [];
  for (let at = 0; at < seconds; at += 0.5) {
    const frame = { kind: "frame", atSeconds: at, width: 1, height: 1, jpeg: new Uint8Array() } as const;
    items.push(...(await cutter.add(frame, from.nowSeconds + at)));
  }
  return [...items, ...(await cutter.disconnect("it stalled"))];
}

const framesOf = (items: readonly (Clip | Gap)[]) =>
  items.flatMap((item) => (item.kind === "clip" ? item.frames.map(({ atSeconds }) => atSeconds) : []));
const halves = (from: number, to: number) => Array.from({ length: 2 * (to - from) }, (_, i) => from + i / 2);

test("segments that a playlist lists again after a reconnect are cut once, without a gap", async () => {
  await using cutter = await cutterOf(() => playlist(0, 10));
  const items = [
    // The stream's clock counts as the time stamps do: 100 s is now.
    ...(await connected(cutter, { mediaSeconds: 100, nowSeconds: 100, url: "s0.ts" }, 10)),
    ...(await connected(cutter, { mediaSeconds: 106, nowSeconds: 118, url: "s3.ts" }, 10)),
    ...cutter.close(),
  ];
  assert.deepEqual(framesOf(items), halves(100, 116));
  assert.ok(items.every(({ kind }) => kind === "clip"));
});

test("an encoder that started again is placed by the clock, and the outage is a gap", async () => {
  await using cutter = await cutterOf(() => playlist(0, 10));
  const items = [
    ...(await connected(cutter, { mediaSeconds: 1000, nowSeconds: 1000, url: "s0.ts" }, 8)),
    ...(await connected(cutter, { mediaSeconds: 2, nowSeconds: 1040, url: "s0.ts" }, 8)),
    ...cutter.close(),
  ];
  assert.deepEqual(framesOf(items), [...halves(1000, 1008), ...halves(1040, 1048)]);
  const [gap, ...others] = items.filter((item) => item.kind === "gap");
  assert.deepEqual([gap?.startSeconds, gap?.endSeconds, others.length], [1007.5, 1040, 0]);
});

test("a jump of the dates is a gap of that length", async () => {
  // An hour passes between segments 3 and 4.
  const dates = (i: number) => dated(1000 + 2 * i + (i >= 4 ? 3600 : 0));
  await using cutter = await cutterOf(() => playlist(0, 8, dates));
  const items = [
    ...(await connected(cutter, { mediaSeconds: 5, nowSeconds: 7000, url: "s1.ts" }, 12)),
    ...cutter.close(),
  ];
  assert.deepEqual(framesOf(items), [...halves(1002, 1008), ...halves(4608, 4614)]);
  const gap = items.find((item) => item.kind === "gap");
  assert.deepEqual([gap?.startSeconds, gap?.endSeconds], [1007.5, 4608]);
});

test("a later run resumes where the last one stopped, by dates", async () => {
  await using cutter = await cutterOf(() => playlist(0, 8, (i) => dated(1000 + 2 * i)), {
    fromSeconds: 1004,
  });
  const items = [
    ...(await connected(cutter, { mediaSeconds: 5, nowSeconds: 7000, url: "s0.ts" }, 12)),
    ...cutter.close(),
  ];
  assert.deepEqual(framesOf(items), halves(1004, 1012));
});
