/** Real videos, no model: every container to its end, subtitles and signs at the right seconds, noise kept out. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { sharedData } from "./support/shared-data.ts";

const videos = sharedData("videos");
const folder = temporaryFolder();

const watched = new Map<
  string,
  Promise<{ memory: string; rows: readonly Row[]; end: Row; timeline: readonly Row[] }>
>();

/** Watches a file once for all tests that ask about it. */
function watchOnce(name: string) {
  const started = watched.get(name) ?? watch(name);
  watched.set(name, started);
  return started;
}

async function watch(name: string) {
  const memory = join(folder, name.replace(/\W/g, "-"));
  const run = await taskmem(["watch", join(videos.path, name), "--json", "--memory", memory]);
  assert.equal(run.code, 0, `${name}: ${run.stderr}`);
  const timeline = await taskmem(["timeline", "--json", "--memory", memory]);
  return { memory, rows: run.rows, end: run.rows.at(-1)!, timeline: timeline.rows };
}

test("every file is watched to its end", { skip: videos.skip }, async (t) => {
  const lengths: Record<string, number> = {
    "one-by-one-person-detection.mp4": 139.4,
    "bottle-detection.mp4": 39.9,
    "googlework_short.mp4": 35,
    "nasa_13013.mp4": 16.6,
    "timecode-300s.mp4": 300.1,
    "cycling-handlebar-view.webm": 31.1,
    "two-people-meeting-room-cam2.webm": 41.4,
    "two-people-office-cam4.webm": 37.9,
    "crowd-walking-vertical.mp4": 20,
    "aria-egocentric-table.mp4": 1.4,
    "shell-game-cups.mp4": 10,
    "pour-coffee.mp4": 9.6,
  };
  const names = readdirSync(videos.path).filter((name) => /\.(mp4|webm)$/.test(name));
  assert.equal(names.length, 12);
  for (const name of names) {
    await t.test(name, async () => {
      const { rows, end } = await watchOnce(name);
      const clips = rows.filter(({ event }) => event === "clip-end");
      const seconds = lengths[name]!;
      assert.equal(end.reason, "ended");
      assert.ok(
        Math.abs(clips.length - Math.ceil(seconds / 10)) <= 1,
        `${clips.length} clips of ${seconds} s`,
      );
      assert.ok(
        Math.abs(Number(clips.at(-1)!.endSeconds) - seconds) < 0.6,
        `ends at ${clips.at(-1)!.endSeconds}, not ${seconds}`,
      );
      assert.equal(end.gaps, 0);
    });
  }
});

test("an audio file without subtitles is watched and gives nothing to remember", {
  skip: videos.skip,
}, async () => {
  const { end } = await watchOnce("audio/two-speakers-30s.wav");
  assert.equal(end.entries, 0);
  assert.equal(end.clips, 3);
});

test("embedded narration becomes entries at the right seconds", { skip: videos.skip }, async () => {
  const { timeline, memory } = await watchOnce("nasa_13013.mp4");
  const cues = (
    await taskmem([
      "watch",
      join(videos.path, "subtitles/nasa_13013.srt"),
      "--json",
      "--budget",
      "1",
      "--memory",
      `${memory}-srt`,
    ])
  ).rows;
  assert.equal(cues.at(-1)!.reason, "ended");
  const all = (await taskmem(["timeline", "--json", "--memory", `${memory}-srt`])).rows;
  const spoken = timeline.filter(({ evidence }) =>
    (evidence as { sources: { kind: string }[] }).sources.some(({ kind }) => kind === "speech"),
  );
  assert.ok(spoken.length >= 1, "narration is remembered");
  for (const entry of spoken) {
    const cue = all.find(({ text }) => text === entry.text);
    assert.ok(cue, "an entry is one of the file's cues");
    assert.ok(Math.abs(Number(entry.startSeconds) - Number(cue.startSeconds)) < 0.1, "at the cue's second");
  }
});

test("the burnt-in clock agrees with entry times", { skip: videos.skip }, async () => {
  const { timeline } = await watchOnce("timecode-300s.mp4");
  let compared = 0;
  for (const { text, startSeconds, endSeconds } of timeline) {
    const clock =
      /(\d{1,2}):(\d{2}):(\d{2})(?:[:.,;](\d{2,3}))?/.exec(String(text)) ??
      /()(\d{1,2}):(\d{2})(?:[:.,;](\d{2,3}))?/.exec(String(text));
    if (!clock) continue;
    const shown = Number(clock[1] || 0) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
    assert.ok(
      shown >= Number(startSeconds) - 1.1 && shown <= Number(endSeconds) + 1.1,
      `${text} at ${startSeconds}–${endSeconds} s`,
    );
    compared += 1;
  }
  assert.ok(compared >= 10, `${compared} entries show a clock`);
});

test("signs and captions are found, and noise does not fill memory", { skip: videos.skip }, async () => {
  const { memory, timeline } = await watchOnce("googlework_short.mp4");
  for (const words of ["Paris", "Software Engineer"]) {
    const run = await taskmem(["ask", `Where does it say ${words}?`, "--json", "--memory", memory]);
    const { citations, abstained } = run.rows[0] as { citations: { text: string }[]; abstained: boolean };
    assert.equal(abstained, false, `${words}: ${run.stdout}`);
    assert.ok(
      citations.some(({ text }) => text.toLowerCase().includes(words.toLowerCase())),
      `${words}: ${run.stdout}`,
    );
  }
  assert.ok(timeline.length <= 25, `${timeline.length} entries in 35 s`);
  // Pictures without a legible word must leave memory almost empty.
  for (const name of [
    "bottle-detection.mp4",
    "pour-coffee.mp4",
    "one-by-one-person-detection.mp4",
    "two-people-office-cam4.webm",
  ]) {
    const { end } = await watchOnce(name);
    assert.ok(
      Number(end.entries) <= Math.ceil(Number(end.clips) / 2),
      `${name}: ${end.entries} entries of noise`,
    );
  }
});
