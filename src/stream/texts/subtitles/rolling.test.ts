/** Rolling captions in every style: each word once, in order, at its time; what was said twice is kept twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pick, randomInt, seededRandom } from "../../../util/random.ts";
import { CueReader } from "./cue-reader.ts";
import { withoutRepeats } from "./rolling.ts";
import type { TimedText } from "./timed-text.ts";

const about = { kind: "speech", origin: "stream", language: null } as const;
const cuesOf = (texts: readonly TimedText[]) => CueReader.readAll(texts, about).cues;
/** The same, as the texts come in. */
function streamed(texts: readonly TimedText[]) {
  const reader = new CueReader(about);
  for (const text of texts) {
    reader.advance(text.startSeconds - 2);
    reader.add(text);
  }
  reader.finish();
  return reader.take();
}
const said = (cues: readonly { text: string }[]) => cues.map(({ text }) => text).join(" ");

const vocabulary =
  "harbour lantern seven quiet mountain ticket over under river window paper green walking morning never again the a of to in and it is they was".split(
    " ",
  );

/** Lines of made-up words, without sentence ends. */
function linesOf(seed: number, count: number): string[][] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: 3 + randomInt(random, 6) }, () => pick(random, vocabulary)),
  );
}

type Style = (lines: readonly string[][]) => TimedText[];
const at = (startSeconds: number, endSeconds: number, text: string): TimedText => ({
  startSeconds,
  endSeconds,
  text,
});

/** Every word in its own time, in seconds. */
const pace = 0.3;
const styles: Record<string, Style> = {
  "automatic captions with their holds": (lines) => {
    let before = " ";
    let now = 0;
    return lines.flatMap((line) => {
      const end = now + line.length * pace;
      const [first, ...rest] = line;
      const timed = `${first}${rest.map((word, i) => `<00:00:0${(i % 9) + 1}.000><c> ${word}</c>`).join("")}`;
      const cues = [at(now, end - 0.01, `${before}\n${timed}`), at(end - 0.01, end, `${line.join(" ")}\n `)];
      before = line.join(" ");
      now = end;
      return cues;
    });
  },
  "two lines that roll, without holds": (lines) => rollUp(lines, 2),
  "three lines that roll": (lines) => rollUp(lines, 3),
  "a line that grows word by word, below the last one": (lines) => {
    let now = 0;
    return lines.flatMap((line, n) =>
      line.map((_, i) => {
        const shown = [...(n > 0 ? [lines[n - 1]!.join(" ")] : []), line.slice(0, i + 1).join(" ")];
        now += pace;
        return at(now - pace, now, shown.join("\n"));
      }),
    );
  },
  "a line that is painted word by word and cleared": (lines) => {
    let now = 0;
    return lines.flatMap((line) => {
      now += 2;
      return line.map((_, i) => {
        now += pace;
        return at(now - pace, now, line.slice(0, i + 1).join(" "));
      });
    });
  },
  "karaoke: the whole line, another word coloured each time": (lines) => {
    let now = 0;
    return lines.flatMap((line) =>
      line.map((_, i) => {
        now += pace;
        const coloured = line.map((word, k) => (k === i ? `<font color="#00ff00">${word}</font>` : word));
        return at(now - pace, now, coloured.join(" "));
      }),
    );
  },
};

function rollUp(lines: readonly string[][], height: number): TimedText[] {
  let now = 0;
  return lines.map((line, n) => {
    const start = now;
    now += line.length * pace;
    const shown = lines.slice(Math.max(0, n + 1 - height), n + 1);
    return at(start, now, shown.map((words) => words.join(" ")).join("\n"));
  });
}

for (const [name, style] of Object.entries(styles)) {
  test(`${name}: each word once, an entry a line`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const lines = linesOf(seed, 30);
      const spoken = lines.map((line) => line.join(" "));
      assert.deepEqual(
        cuesOf(style(lines)).map(({ text }) => text),
        spoken,
        `seed ${seed}`,
      );
      assert.equal(said(streamed(style(lines))), spoken.join(" "), `streamed, seed ${seed}`);
    }
  });
}

test("short lines and sentences of a live programme", () => {
  const shown = (...texts: string[]) =>
    cuesOf(texts.map((text, i) => at(2 * i, 2 * i + 2, text))).map(({ text }) => text);
  assert.deepEqual(shown("YES", "YES\nNO", "YES\nNO\nMAYBE", "NO\nMAYBE\nNEVER", "MAYBE\nNEVER\nTHE END"), [
    ...["YES", "NO", "MAYBE", "NEVER", "THE END"],
  ]);
  assert.deepEqual(
    shown(
      ">> GOOD EVENING, EVERYONE.",
      ">> GOOD EVENING, EVERYONE.\nTONIGHT THE MAYOR SAYS",
      "TONIGHT THE MAYOR SAYS\nTHE BRIDGE STAYS CLOSED.",
      "THE BRIDGE STAYS CLOSED.\n>> HOW LONG?",
      ">> HOW LONG?\n>> A WEEK.",
    ),
    ["GOOD EVENING, EVERYONE.", "TONIGHT THE MAYOR SAYS THE BRIDGE STAYS CLOSED.", "HOW LONG?", "A WEEK."],
  );
  assert.deepEqual(
    shown("今日は天気が", "今日は天気が\nとてもいいです", "とてもいいです\n散歩に行きましょう"),
    ["今日は天気が", "とてもいいです", "散歩に行きましょう"],
  );
});

test("each line starts when its first word is said", () => {
  const lines = [
    ["over", "the", "river"],
    ["under", "the", "window"],
    ["in", "the", "morning"],
  ];
  // three words of 0.3 s a line
  for (const style of ["automatic captions with their holds", "two lines that roll, without holds"])
    assert.deepEqual(
      cuesOf(styles[style]!(lines)).map(({ startSeconds }) => Math.round(startSeconds * 10) / 10),
      [0, 0.9, 1.8],
    );
});

test("letters that grow inside a word are that word once", () => {
  const typed = ["th", "this", "this i", "this is", "this is ra", "this is rain"];
  assert.equal(said(cuesOf(typed.map((text, i) => at(i * 0.2, i * 0.2 + 0.2, text)))), "this is rain");
});

test("a window that moves over the words gives each once", () => {
  const words = linesOf(3, 20).flat();
  const windows: TimedText[] = [];
  for (let i = 0; i + 6 <= words.length; i += 3)
    windows.push(at(i * pace, (i + 3) * pace, words.slice(i, i + 6).join(" ")));
  const whole = Math.floor((words.length - 6) / 3) * 3 + 6;
  assert.equal(said(cuesOf(windows)), words.slice(0, whole).join(" "));
});

test("what is said twice is kept: later, as a chorus, or by another person", () => {
  const no = [0, 3, 6].map((start) => at(start, start + 1, "No."));
  assert.deepEqual(cuesOf(no).length, 3);
  const chorus = [
    "We will, we will rock you",
    "We will, we will rock you",
    "La la la",
    "La la la",
    "Hey now",
  ];
  assert.equal(said(cuesOf(chorus.map((text, i) => at(i * 2.5, i * 2.5 + 2.5, text)))), chorus.join(" "));
  const echo = [at(0, 2, "Are you ready?"), at(2, 4, "Ready?"), at(4, 6, "Ready.")];
  assert.equal(said(cuesOf(echo)), "Are you ready? Ready? Ready.");
  const asked = [at(0, 2, "What did you say?"), at(2, 4, "What did you say to him?")];
  assert.equal(said(cuesOf(asked)), "What did you say? What did you say to him?");
  const two = [at(0, 1, "<v Ana>Come in"), at(1, 2, "<v Ben>Come in now")];
  assert.equal(said(cuesOf(two)), "Come in Come in now");
});

test("a word that comes back in a file that rolls is said again", () => {
  const lines = [["no"], ["no"], ["not", "the", "green", "one"], ["no"], ["never", "again", "over", "there"]];
  assert.equal(said(cuesOf(styles["automatic captions with their holds"]!(lines))), lines.flat().join(" "));
});

test("utterances that are taken as they are lose only what they repeat", () => {
  const grows = [at(0, 2, "where are"), at(1, 3, "where are the keys"), at(8, 9, "where are the keys")];
  assert.deepEqual(
    withoutRepeats(grows.map((text) => ({ ...text, speaker: null }))).map(({ startSeconds, text }) => [
      startSeconds,
      text,
    ]),
    [
      [0, "where are the keys"],
      [8, "where are the keys"],
    ],
  );
});
