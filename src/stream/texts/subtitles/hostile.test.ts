/**
 * Texts made to be slow, each read in time linear in its size. At a quadratic cost each would take minutes; the limit of
 * the tests is only there to end such a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isTaskMemError } from "../../../errors.ts";
import { parseSubtitles } from "../subtitles.ts";

const size = 300_000;
const filled = (unit: string) => unit.repeat(Math.ceil(size / unit.length));

const units: Record<string, string> = {
  "voices that never close": "<v ",
  "one voice and blanks": " ",
  "voices without a bracket": "<v a",
  "overrides that never close": "{\\",
  "tags that never close": "<a",
  "times of karaoke": "<00:00:",
  "nested square brackets": "[",
  "nested round brackets": "(",
  "brackets that close": "]",
  "mixed brackets": "([{<",
  references: "&#1",
  names: "&amp",
  "a word without an end": "a",
  "capitals with blanks": "A ",
  colons: ":a",
  "dots and quotes": '."',
  dots: ".",
  dashes: "- ",
  notes: "♪",
  "escape sequences": "\u001b[",
  "strings for terminals": "\u001b]",
  "characters without blanks": "桥",
  "blanks and ends": " \n",
  clocks: "00:01 ",
  arrows: "00:00:01,000 --> ",
};

/** Where the unit stands in a file of each format. */
const frames: Record<string, (filler: string) => string> = {
  "talk.srt": (filler) => `1\n00:00:01,000 --> 00:10:00,000\n<v ${filler}\n`,
  "talk.vtt": (filler) => `WEBVTT\n\n00:00:01.000 --> 00:10:00.000\n${filler}\n`,
  "talk.ass": (filler) => `[Events]\nDialogue: 0,0:00:01.00,0:10:00.00,Default,,0,0,0,,${filler}\n`,
  "talk.ttml": (filler) => `<tt><body><p begin="1s" end="600s">${filler}</p><p begin="${filler}"`,
  "talk.sbv": (filler) => `0:00:01.000,0:10:00.000\n${filler}\n`,
  "talk.lrc": (filler) => `[00:01.00]${filler}\n${"[00:01.00]".repeat(20_000)}x\n`,
  "talk.sub": (filler) => `{1}{9999}${filler}\n`,
  "talk.smi": (filler) => `<SAMI><SYNC Start=1000>${filler}<SYNC Start=`,
  "talk.txt": (filler) => `00:01 ${filler}\n`,
  "talk.json": (filler) => JSON.stringify({ segments: [{ start: 1, end: 600, text: filler }] }),
};

for (const [name, frame] of Object.entries(frames)) {
  test(`${name}: 300 kB of any kind are read at once`, { timeout: 120_000 }, () => {
    // All of them where all formats meet, and what formats have parsers of their own for everywhere.
    const kinds = Object.entries(units).filter(
      ([, unit]) => name === "talk.srt" || /^(<a|\{|\[|\.|:a|00:01 )/.test(unit),
    );
    for (const [kind, unit] of kinds) {
      try {
        for (const { text } of parseSubtitles(frame(filled(unit)), { name }).cues)
          assert.ok(text.length <= 2000, `${kind}: a cue of ${text.length} letters`);
      } catch (error) {
        assert.ok(isTaskMemError(error), `${kind}: ${error}`);
      }
    }
  });
}

test("many cues of each kind are read at once", { timeout: 120_000 }, () => {
  const lines = [
    "[Music]",
    "(",
    "JOHN:",
    "- Hi. - Hello.",
    "no",
    "<v Ana>no",
    "a b c d e f g h",
    "♪",
    "…",
    "把灯打开\nTurn",
  ];
  for (const line of lines) {
    const cues = Array.from({ length: 5000 }, (_, i) => {
      const at = new Date(i * 1000).toISOString().slice(11, 19);
      return `${i}\n${at},000 --> ${at},900\n${line}\n`;
    });
    assert.ok(parseSubtitles(cues.join("\n"), { name: "talk.srt" }).cues.length <= 10_000, line);
  }
});

test("control sequences of terminals do not come through", () => {
  const { cues } = parseSubtitles(
    "1\n00:00:01,000 --> 00:00:03,000\n\u001b[31mred\u001b[0m \u001b]0;owned\u0007 words&#27;[2J \u202eback\u009b\n",
    { name: "talk.srt" },
  );
  assert.equal(cues[0]!.text, "red words back");
});
