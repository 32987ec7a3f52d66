/** HLS playlists, their clock and their subtitles: recorded, live and sliding, from a server that speaks the protocol. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test as nodeTest } from "node:test";
import { requireProgram } from "../../util/program.ts";
import type { Clip, Gap, SourceStatus } from "../clip.ts";
import { openSource, type SourceOptions } from "../open-source.ts";
import { Hls } from "./hls.ts";
import { parsePlaylist } from "./hls-playlist.ts";

const test = (name: string, body: () => Promise<void> | void) => nodeTest(name, { timeout: 60_000 }, body);

const folder = mkdtempSync(join(tmpdir(), "taskmem-hls-"));
const segmentCount = 8;
/** Segments of one second each; their time stamps begin at 1.4 s, as those of most packagers do. */
execFileSync(requireProgram("ffmpeg"), [
  ...["-v", "error", "-f", "lavfi", "-i", `testsrc2=size=64x36:rate=5:duration=${segmentCount}`],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "5", "-f", "hls"],
  ...["-hls_time", "1", "-hls_list_size", "0", join(folder, "v.m3u8")],
]);
const names = ["ferry", "lantern", "harbour", "kettle", "ladder", "compass", "violin", "blanket"];
const sentence = (i: number) => `The ${names[i]} is number ${i}.`;
const firstDateMs = Date.UTC(2021, 4, 6, 7, 8, 9);

/** What the server has: which segments are listed, and what the playlists say. */
interface Broadcast {
  first: number;
  end: number;
  isEnded: boolean;
  isDated?: boolean;
}
let broadcast: Broadcast = { first: 0, end: segmentCount, isEnded: true };
let isDown = false;

function mediaPlaylist(nameOf: (i: number) => string): string {
  const { first, end, isEnded, isDated } = broadcast;
  const date = (i: number) => `#EXT-X-PROGRAM-DATE-TIME:${new Date(firstDateMs + i * 1000).toISOString()}\n`;
  const listed = Array.from({ length: end - first }, (_, i) => first + i);
  const lines = listed.map((i) => `${isDated ? date(i) : ""}#EXTINF:1.0,\n${nameOf(i)}\n`);
  return `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${first}\n${lines.join("")}${isEnded ? "#EXT-X-ENDLIST\n" : ""}`;
}

const master = `#EXTM3U
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Signs",DEFAULT=YES,FORCED=YES,LANGUAGE="en",URI="signs.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",DEFAULT=YES,LANGUAGE="en",URI="elsewhere/en.m3u8?token=1"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",LANGUAGE="de",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="Captions",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=200000,SUBTITLES="s"
v.m3u8
`;

/** A segment of texts: its own sentence, and the one before, which lasts into it. */
function segmentOfTexts(i: number, say: (i: number) => string): string {
  const cue = (j: number) => `00:00:0${j}.300 --> 00:00:0${j + 1}.100\n${say(j)}\n`;
  return `WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:126000\n\n${i > 0 ? `${cue(i - 1)}\n` : ""}${cue(i)}`;
}

function answer({ url = "", headers }: IncomingMessage): string | Buffer | { location: string } | null {
  const [path = "", query] = url.split("?");
  const number = Number(/(\d+)\.\w+$/.exec(path)?.[1]);
  if (path.startsWith("/safe/") && headers.authorization !== `Basic ${btoa("anna:p@ss")}`) return null;
  const name = path.replace(/^\/safe/, "");
  if (name === "/moved.m3u8") return { location: "/master.m3u8" };
  if (name === "/master.m3u8") return master;
  if (name === "/v.m3u8") return mediaPlaylist((i) => `v${i}.ts`);
  if (name === "/de.m3u8") return mediaPlaylist((i) => `de${i}.vtt`);
  if (name.startsWith("/elsewhere/") && query === undefined) return null;
  if (name === "/elsewhere/en.m3u8") return mediaPlaylist((i) => `en${i}.vtt?token=${i}`);
  if (/\/en\d\.vtt$/.test(name)) return segmentOfTexts(number, sentence);
  if (/\/de\d\.vtt$/.test(name)) return segmentOfTexts(number, (i) => `Das ist Nummer ${i}.`);
  return /^\/v\d\.ts$/.test(name) ? readFileSync(join(folder, name)) : null;
}

const server = createServer((request, response) => {
  if (isDown) return void response.writeHead(503).end();
  const body = answer(request);
  if (body === null) response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  else if (typeof body === "object" && "location" in body) response.writeHead(302, { ...body }).end();
  else response.end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
after(() => {
  server.closeAllConnections();
  server.close();
});
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

async function watched(path: string, options: SourceOptions = {}, open: object = {}) {
  const source = await openSource(path.includes("://") ? path : `http://${host}/${path}`, {
    clipSeconds: 2,
    live: { reconnectMs: 100, stallMs: 4000 },
    ...options,
  });
  const items: (Clip | Gap)[] = [];
  for await (const item of source.open(open)) items.push(item);
  const clips = items.filter((item) => item.kind === "clip");
  return { source, items, clips, cues: clips.flatMap(({ cues }) => cues) };
}

test("a recorded playlist gives the subtitles of the wanted language, and names those it leaves out", async () => {
  broadcast = { first: 0, end: segmentCount, isEnded: true };
  const { source, cues } = await watched("master.m3u8");
  assert.equal(source.live, false);
  assert.deepEqual(
    cues.map(({ text }) => text),
    names.map((_, i) => sentence(i)),
  );
  // MPEGTS 126000 is 1.4 s, where the picture starts.
  assert.deepEqual(
    cues.map(({ startSeconds }) => startSeconds),
    names.map((_, i) => i + 0.3),
  );
  const left = source.leftOut.map(({ kind, name }) => `${kind} ${name}`);
  assert.deepEqual(left, ["track Signs", "track Deutsch", "track Captions"]);
  const german = await watched("master.m3u8", { languages: ["de"] });
  assert.equal(german.cues[3]!.text, "Das ist Nummer 3.");
  assert.equal(german.cues[3]!.language, "de");
});

test("user, password and redirects of the playlist reach its texts", async () => {
  broadcast = { first: 0, end: segmentCount, isEnded: true };
  const safe = await watched(`http://anna:p%40ss@${host}/safe/master.m3u8`);
  assert.equal(safe.cues.length, segmentCount);
  const { cues } = await watched("moved.m3u8");
  assert.equal(cues.length, segmentCount);
});

test("dates of the playlist are the stream's clock", async () => {
  broadcast = { first: 2, end: segmentCount, isEnded: true, isDated: true };
  const { source } = await watched("v.m3u8");
  assert.deepEqual(source.clock, { kind: "wall", originMs: firstDateMs + 2000 });
});

/** Publishes a segment each second, and the end after the last. */
function publish(from: Broadcast): Disposable {
  broadcast = { ...from };
  const timer = setInterval(() => {
    if (broadcast.end < segmentCount)
      broadcast = { ...broadcast, first: broadcast.first + 1, end: broadcast.end + 1 };
    else broadcast = { ...broadcast, isEnded: true };
  }, 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

for (const isDated of [false, true]) {
  test(`a live playlist that slides gives every sentence once, ${isDated ? "with" : "without"} dates`, async () => {
    using _ = publish({ first: 0, end: 3, isEnded: false, isDated });
    const { source, clips, cues, items } = await watched("master.m3u8");
    assert.equal(source.live, true);
    const said = cues.map(({ text }) => text);
    assert.ok(said.length >= 5, `${said}`);
    assert.deepEqual(said, names.map((_, i) => sentence(i)).slice(-said.length));
    assert.deepEqual(
      items.filter(({ kind }) => kind === "gap"),
      [],
    );
    // By dates second 0 is that of the first segment; without, it is that of the time stamps, which start at 1.4 s.
    const start = isDated ? 0 : 1.4;
    const last = cues.at(-1)!;
    assert.ok(Math.abs(last.startSeconds - start - (segmentCount - 0.7)) < 0.05, `${last.startSeconds}`);
    assert.ok(Math.abs(clips.at(-1)!.endSeconds - start - segmentCount) < 0.3);
    if (isDated) assert.deepEqual(source.clock, { kind: "wall", originMs: firstDateMs });
  });

  test(`a broadcast that ended resumes where watching stopped, ${isDated ? "with" : "without"} dates`, async () => {
    const published = publish({ first: 0, end: 4, isEnded: false, isDated });
    const live = await openSource(`http://${host}/master.m3u8`, { clipSeconds: 2 });
    const before: Clip[] = [];
    for await (const item of live.open()) {
      if (item.kind === "clip") before.push(item);
      break;
    }
    published[Symbol.dispose]();
    const fromSeconds = (before.at(-1)!.index + 1) * 2;
    broadcast = { first: 0, end: segmentCount, isEnded: true, isDated };
    const { source, clips, cues } = await watched("master.m3u8", {}, { clock: live.clock, fromSeconds });
    assert.equal(source.live, false);
    assert.equal(source.fingerprint, null);
    assert.equal(clips[0]!.startSeconds, fromSeconds);
    const said = [...before.flatMap((clip) => clip.cues), ...cues].map(({ text }) => text);
    assert.deepEqual(said, names.map((_, i) => sentence(i)).slice(-said.length));
    assert.equal(new Set(said).size, said.length);
    const end = fromSeconds + 2 * clips.length;
    const again = await watched("master.m3u8", {}, { clock: live.clock, fromSeconds: end });
    assert.deepEqual(again.items, []);
  });
}

test("a broadcast that ends during an outage is read to its end from the recording", async () => {
  const published = publish({ first: 0, end: 4, isEnded: false });
  const source = await openSource(`http://${host}/master.m3u8`, {
    clipSeconds: 2,
    live: { reconnectMs: 100, stallMs: 2000 },
  });
  const clips: Clip[] = [];
  const states: string[] = [];
  const onStatus = ({ state }: SourceStatus) => {
    states.push(state);
    broadcast = { first: 0, end: segmentCount, isEnded: true };
    isDown = false;
  };
  for await (const item of source.open({ onStatus })) {
    assert.ok(item.kind === "clip");
    clips.push(item);
    if (clips.length > 1) continue;
    published[Symbol.dispose]();
    isDown = true;
  }
  assert.equal(source.live, true);
  const said = clips.flatMap(({ cues }) => cues.map(({ text }) => text));
  assert.deepEqual(said, names.map((_, i) => sentence(i)).slice(-said.length));
  assert.deepEqual(
    clips.map(({ index }) => index),
    clips.map((_, i) => clips[0]!.index + i),
  );
  assert.equal(states[0], "down");
});

/** The cues of a recording whose files are given, in seconds from its start. Its time stamps begin at 10 s. */
async function cuesOf(files: Readonly<Record<string, string>>) {
  const given: Readonly<Record<string, string>> = {
    "master.m3u8": `#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",URI="t.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n`,
    "v.m3u8": "#EXTM3U\n#EXTINF:6,\nv.ts\n#EXT-X-ENDLIST\n",
    ...files,
  };
  const fetch = async (url: unknown) => {
    const text = given[String(url).split("/").at(-1)!];
    return text === undefined ? new Response("", { status: 404 }) : new Response(text);
  };
  const hls = await Hls.open("http://cdn.example/master.m3u8", { languages: [], wantsTexts: true, fetch });
  assert.ok(hls);
  hls.beginAtStart(10);
  const cues = (await hls.cues()).map(({ startSeconds, text }) => [
    Math.round((startSeconds - 10) * 1000) / 1000,
    text,
  ]);
  return { cues, leftOut: hls.leftOut };
}

const texts = (...segments: string[]) =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:6\n${segments.map((name) => (name.startsWith("#") ? name : `#EXTINF:6,\n${name}`)).join("\n")}\n#EXT-X-ENDLIST\n`;
const vtt = (at: string, text: string, map = "") =>
  `WEBVTT\n${map}\n\n00:00:${at} --> 00:00:59.000\n${text}\n`;
const mapped = (seconds: number) => `X-TIMESTAMP-MAP=MPEGTS:${seconds * 90_000},LOCAL:00:00:00.000`;

test("times of segments: mapped, wrapped, after a cut, of the whole, of the segment alone", async () => {
  const wrapped = 2 ** 33 / 90_000;
  const read = async (first: string, second: string, cut: string[] = []) =>
    (
      await cuesOf({
        "t.m3u8": texts("a.vtt", ...cut, "b.vtt"),
        "a.vtt": first,
        "b.vtt": second,
      })
    ).cues;
  const expected = [
    [1, "The ferry leaves."],
    [8, "The harbour is quiet."],
  ];
  const [ferry, harbour] = ["The ferry leaves.", "The harbour is quiet."];
  assert.deepEqual(
    await read(vtt("01.000", ferry, mapped(10)), vtt("08.000", harbour, mapped(10))),
    expected,
  );
  assert.deepEqual(
    await read(vtt("11.000", ferry, mapped(wrapped)), vtt("18.000", harbour, mapped(0))),
    expected,
  );
  assert.deepEqual(
    await read(vtt("01.000", ferry, mapped(10)), vtt("02.000", harbour, mapped(5000)), [
      "#EXT-X-DISCONTINUITY",
    ]),
    expected,
  );
  assert.deepEqual(await read(vtt("01.000", ferry), vtt("08.000", harbour)), expected);
  const short = (at: string, end: string, text: string) =>
    `WEBVTT\n\n00:00:${at} --> 00:00:${end}\n${text}\n`;
  assert.deepEqual(
    await read(short("01.000", "03.000", ferry), short("02.000", "04.000", harbour)),
    expected,
  );
});

test("a rendition of one file is read; one that is no WebVTT, or is missing, is left out by name", async () => {
  const whole = await cuesOf({ "t.m3u8": vtt("04.000", "The kettle is on.", mapped(10)) });
  assert.deepEqual(whole.cues, [[4, "The kettle is on."]]);
  const inMp4 = await cuesOf({ "t.m3u8": texts("a.m4s"), "a.m4s": "\0\0\0\x18ftyp" });
  assert.match(inMp4.leftOut[0]!.reason, /English.*not WebVTT/);
  const partly = await cuesOf({
    "t.m3u8": texts("a.vtt", "b.vtt"),
    "b.vtt": vtt("08.000", "The kettle is on.", mapped(10)),
  });
  assert.deepEqual(partly.cues, [[8, "The kettle is on."]]);
  assert.match(partly.leftOut[0]!.reason, /English are not whole: 1 of their segments/);
  const missing = await cuesOf({});
  assert.match(missing.leftOut[0]!.reason, /English.*404/);
  assert.deepEqual(missing.cues, []);
});

test("playlists are read as data", () => {
  const base = "https://anna:geheim@cdn.example/a/master.m3u8?token=1";
  const read = parsePlaylist(master, base);
  assert.ok(read?.kind === "master");
  assert.deepEqual(read.variants, ["https://anna:geheim@cdn.example/a/v.m3u8"]);
  assert.equal(read.texts[1]!.url, "https://anna:geheim@cdn.example/a/elsewhere/en.m3u8?token=1");
  assert.deepEqual(
    read.texts.map(({ isForced, isDefault }) => [isForced, isDefault]),
    [
      [true, true],
      [false, true],
      [false, false],
      [false, false],
    ],
  );
  const media = parsePlaylist(
    `#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-PROGRAM-DATE-TIME:2024-02-03T04:05:06.500+0100
#EXTINF:6.006,title
a.ts
#EXTINF:4,
#EXT-X-BYTERANGE:100@200
b.vtt
#EXT-X-DISCONTINUITY
#EXTINF:6,
https://other.example/c.ts
#EXT-X-PROGRAM-DATE-TIME:2024-02-03T03:06:42.500
#EXTINF:6,
d.ts`,
    base,
  );
  assert.ok(media?.kind === "media");
  const first = Date.UTC(2024, 1, 3, 3, 5, 6, 500);
  assert.deepEqual(
    media.segments.map(({ sequence, startSeconds, dateMs, part, bytes }) => [
      ...[sequence, startSeconds, dateMs, part],
      bytes?.offset,
    ]),
    [
      [41, 0, first, 0, undefined],
      [42, 6.006, first + 6006, 0, 200],
      [43, 10.006, first + 90_000, 1, undefined],
      [44, 16.006, first + 96_000, 1, undefined],
    ],
  );
  assert.equal(media.segments[2]!.url, "https://other.example/c.ts", "no password for another host");
  assert.equal(media.isEnded, false);
  assert.equal(parsePlaylist("<html>", base), null);
});
