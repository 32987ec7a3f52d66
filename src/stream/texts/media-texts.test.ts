/** Which texts of a film are taken, and what is said of the others. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { requireProgram } from "../../util/program.ts";
import type { SourceFile } from "../clip.ts";
import type { MediaInfo, TextTrack } from "../ffmpeg.ts";
import { openSource } from "../open-source.ts";
import { textsOf } from "./media-texts.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const srt = (text: string) => `1\n00:00:01,000 --> 00:00:03,000\n${text}\n`;

/** A folder with `film.mp4` (empty: it is not opened) and these files beside it. */
function folderWith(files: Record<string, string | Uint8Array>): string {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-texts-"));
  folders.push(folder);
  for (const [name, content] of Object.entries({ "film.mp4": "", ...files }))
    writeFileSync(join(folder, name), content);
  return folder;
}

const track = (index: number, language: string | null, about: Partial<TextTrack> = {}): TextTrack => ({
  ...{ index, language, isDefault: false, role: "full", title: null, cues: null, isStyled: false },
  ...about,
});
const info = (texts: readonly TextTrack[] = [], otherTexts: MediaInfo["otherTexts"] = []) =>
  ({ texts, otherTexts, otherTracks: { sound: [], picture: [] } }) as unknown as MediaInfo;

async function chosen(
  files: Record<string, string | Uint8Array>,
  media: MediaInfo = info(),
  options: { languages?: string[]; subtitles?: string } = {},
) {
  const path = join(folderWith(files), "film.mp4");
  const { texts, leftOut } = await textsOf(path, media, { languages: [], ...options });
  return {
    said: texts.cues.map(({ text }) => text),
    tracks: texts.tracks.map(({ index }) => index),
    leftOut: leftOut.map(({ reason }) => reason),
  };
}

test("of the files, the full text in the most wanted language is taken; the others are named", async () => {
  const files = {
    "film.en.forced.srt": srt("Forced."),
    "film.English.srt": srt("English."),
    "film.en.sdh.srt": srt("[wind] For the deaf."),
    "film.german.srt": srt("Deutsch."),
    "film.commentary.en.srt": srt("I shot this in May."),
  };
  const english = await chosen(files, info(), { languages: ["en"] });
  assert.deepEqual(english.said, ["English."]);
  assert.equal(english.leftOut.length, 4);
  assert.match(english.leftOut.join("\n"), /film\.german\.srt \(de\) is not read: film\.English\.srt is\./);
  assert.deepEqual((await chosen(files, info(), { languages: ["fr", "de"] })).said, ["Deutsch."]);
  assert.deepEqual((await chosen({ "film.en.forced.srt": srt("Forced.") })).said, ["Forced."]);
});

test("of the tracks, the full one is taken though another is first and default", async () => {
  const forced = track(2, "eng", { isDefault: true, role: "forced" });
  const titled = track(3, "eng", { title: "English commentary" });
  const few = track(4, "eng", { cues: 12 });
  const { tracks, leftOut } = await chosen(
    {},
    info([forced, titled, few, track(5, "eng", { cues: 900 }), track(6, "ger")]),
  );
  assert.deepEqual(tracks, [5]);
  assert.match(leftOut[0]!, /4 subtitle tracks are not read \(track 2: eng, forced; .*track 6: ger\)/);
  assert.deepEqual((await chosen({}, info([forced]))).tracks, [2]);
  assert.deepEqual((await chosen({}, info([forced, track(6, "ger")]), { languages: ["de"] })).tracks, [6]);
});

test("a file beside the film goes before its tracks, unless it tells only what is foreign", async () => {
  const full = info([track(2, "eng", { cues: 900 })]);
  const many = Array.from(
    { length: 200 },
    (_, i) => `${i + 1}\n00:00:${i % 60},000 --> 00:00:${i % 60},500\nLine ${i}.\n`,
  );
  assert.deepEqual((await chosen({ "film.srt": many.join("\n") }, full)).tracks, []);
  assert.deepEqual((await chosen({ "film.forced.srt": srt("Foreign.") }, full)).tracks, [2]);
  assert.deepEqual((await chosen({ "film.srt": srt("Foreign.") }, full)).tracks, [2]);
});

test("files that cannot be read are named and do not cost the film", async () => {
  const { said, leftOut } = await chosen(
    {
      "film.en.srt": "no subtitles",
      "film.de.ass": "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Deutsch.\n",
      "film.sup": new Uint8Array([0x50, 0x47]),
      "film.txt": "A film about a bridge.",
      "film.info.json": "{}",
      "film.part2.mp4": "",
      "film.part2.srt": srt("Another film."),
    },
    info([], [{ language: "fre", codec: "hdmv_pgs_subtitle" }]),
  );
  assert.deepEqual(said, ["Deutsch."]);
  const reasons = leftOut.join("\n");
  for (const expected of [
    /film\.en\.srt/,
    /film\.sup is of a format/,
    /film\.txt has no times/,
    /fre, hdmv_pgs/,
  ])
    assert.match(reasons, expected);
  assert.doesNotMatch(reasons, /info\.json|part2/);
});

test("a folder of texts is read once: of one recording in several formats and languages, the best", async () => {
  const folder = folderWith({
    "talk.en.srt": srt("The bridge is closed."),
    "talk.en.vtt": `WEBVTT\n\n${srt("The bridge is closed.")}`,
    "talk.de.srt": srt("Die Brücke ist zu."),
    "talk.json": '{"title":"talk"}',
    "README.txt": "About these talks.",
  });
  rmSync(join(folder, "film.mp4"));
  const source = await openSource(folder, { languages: ["en"] });
  const cues: string[] = [];
  for await (const item of source.open())
    if (item.kind === "clip") cues.push(...item.cues.map(({ text }) => text));
  assert.deepEqual(cues, ["The bridge is closed."]);
  assert.deepEqual(source.leftOut.map(({ name }) => name).sort(), [
    "README.txt",
    "talk.de.srt",
    "talk.en.vtt",
  ]);
});

test("of a text that grew only what is new is said, also of a sentence that continues", async () => {
  const folder = folderWith({});
  const path = join(folder, "talk.srt");
  const cue = (n: number, text: string) => `${n}\n00:00:0${n},000 --> 00:00:0${n},900\n${text}\n\n`;
  const said = async (files: readonly SourceFile[]) => {
    const source = await openSource(path);
    const cues: string[] = [];
    for await (const item of source.open({ files }))
      if (item.kind === "clip") cues.push(...item.cues.map(({ text }) => text));
    return { cues, files: source.files! };
  };
  writeFileSync(path, cue(1, "It rains.") + cue(2, "The bridge is"));
  const first = await said([]);
  assert.deepEqual(first.cues, ["It rains.", "The bridge is"]);
  writeFileSync(
    path,
    cue(1, "It rains.") + cue(2, "The bridge is") + cue(3, "The bridge is closed.") + cue(4, "Wait."),
  );
  assert.deepEqual((await said(first.files)).cues, ["closed.", "Wait."]);
});

test("subtitles come from the web, alone or beside a film", async () => {
  const server = createServer((request, response) => {
    if (!request.url?.startsWith("/talk.vtt")) return response.writeHead(404).end();
    return response.end(`WEBVTT\n\n${srt("The bridge is closed.")}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  assert.deepEqual((await chosen({}, info(), { subtitles: `${host}/talk.vtt?token=1` })).said, [
    "The bridge is closed.",
  ]);
  const source = await openSource(`${host}/talk.vtt?token=1`);
  assert.equal(source.id, "talk");
  assert.equal(source.endSeconds, 3);
  await assert.rejects(openSource(`${host}/other.vtt`), /answers 404/);
});

test("a track inside a film: rolling lines once, speakers of ASS, the same from the middle on", async () => {
  const folder = folderWith({});
  const clock = (seconds: number) => `0:${new Date(seconds * 1000).toISOString().slice(14, 22)}`;
  const events: string[] = [];
  const say = (from: number, to: number, text: string, name = "") =>
    events.push(`Dialogue: 0,${clock(from)},${clock(to)},Default,${name},0,0,0,,${text}`);
  // a line of 2.5 s each, shown with the one before it
  const lines = Array.from({ length: 12 }, (_, i) => `number ${i} of the harbour boats`);
  for (const [i, line] of lines.entries())
    say(2.5 * i, 2.5 * (i + 1), i === 0 ? line : `${lines[i - 1]}\\N${line}`);
  say(31, 33, "The bridge, says he, is closed until", "Ana");
  say(33, 35, "the evening.", "Ana");
  const head =
    "[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n[Events]\n";
  const fields = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n";
  const subtitles = join(folder, "events.ass");
  writeFileSync(subtitles, `${head}${fields}${events.join("\n")}\n`);
  const path = join(folder, "boats.mkv");
  const input = ["-f", "lavfi", "-i", "testsrc=size=64x36:rate=5:duration=38", "-i", subtitles];
  const coding = [
    "-map",
    "0",
    "-map",
    "1",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-g",
    "20",
    "-c:s",
    "copy",
  ];
  execFileSync(requireProgram("ffmpeg"), ["-v", "error", ...input, ...coding, path]);

  const source = await openSource(path);
  const said = async (fromSeconds: number) => {
    const cues: string[] = [];
    for await (const item of source.open({ fromSeconds }))
      if (item.kind === "clip")
        cues.push(
          ...item.cues.map(({ startSeconds, speaker, text }) => `${startSeconds} ${speaker ?? ""}: ${text}`),
        );
    return cues;
  };
  const whole = await said(0);
  assert.deepEqual(whole, [
    ...lines.map((line, i) => `${2.5 * i} : ${line}`),
    "31 Ana: The bridge, says he, is closed until the evening.",
  ]);
  assert.deepEqual(await said(20), whole.slice(8));
  assert.deepEqual(await said(30), whole.slice(12));
});

test("subtitles that come, or grow, after the film was watched are read into its clips", async () => {
  const folder = folderWith({});
  const path = join(folder, "late.mp4");
  const input = ["-f", "lavfi", "-i", "testsrc=size=64x36:rate=5:duration=25"];
  execFileSync(requireProgram("ffmpeg"), [
    "-v",
    "error",
    ...input,
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    path,
  ]);
  let files: readonly SourceFile[] = [];
  const said = async () => {
    const source = await openSource(path);
    const clips: [number, string[]][] = [];
    for await (const item of source.open({ files }))
      if (item.kind === "clip")
        clips.push([item.index, item.cues.map(({ kind, text }) => `${kind}: ${text}`)]);
    const ids = new Set(source.files!.map(({ id }) => id));
    files = [...files.filter(({ id }) => !ids.has(id)), ...source.files!];
    return clips;
  };
  const cue = (second: number, text: string) =>
    `${second}\n00:00:${second},000 --> 00:00:${second + 1},000\n${text}\n\n`;
  assert.deepEqual(await said(), [
    [0, []],
    [1, []],
    [2, []],
  ]);
  assert.deepEqual(await said(), []);
  writeFileSync(join(folder, "late.srt"), cue(12, "The bridge is closed."));
  assert.deepEqual(await said(), [[1, ["speech: The bridge is closed."]]]);
  assert.deepEqual(await said(), []);
  writeFileSync(join(folder, "late.srt"), cue(12, "The bridge is closed.") + cue(22, "Take the ferry."));
  writeFileSync(join(folder, "late.descriptions.srt"), cue(13, "A man points at a sign."));
  writeFileSync(join(folder, "late.de.srt"), cue(12, "Die Brücke ist zu."));
  assert.deepEqual(await said(), [
    [1, ["caption: A man points at a sign."]],
    [2, ["speech: Take the ferry."]],
  ]);
  assert.deepEqual(await said(), []);
});
