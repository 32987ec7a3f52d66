import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../errors.ts";
import { splitSpeaker } from "./subtitles/speakers.ts";
import { parseSubtitles } from "./subtitles.ts";

const parse = (text: string) => parseSubtitles(text, { name: "talk.srt" });

test("an SRT cue has its times, its text without markup, and its speaker", () => {
  const { cues } = parse(
    "\uFEFF1\r\n00:00:01,500 --> 00:00:03,250 X1:40\r\n<i>Mira:</i> {\\an8}put the <b>key</b>\r\nin the drawer &amp; lock it\r\n\r\n",
  );
  assert.deepEqual(cues, [
    {
      startSeconds: 1.5,
      endSeconds: 3.25,
      text: "put the key in the drawer & lock it",
      speaker: "Mira",
      kind: "speech",
      origin: "stream",
      language: null,
    },
  ]);
});

test("WebVTT: header, notes, styles, identifiers, missing hours, voice tags", () => {
  const { cues, problems } = parse(
    [
      "WEBVTT",
      "Kind: captions",
      "Language: en",
      "",
      "NOTE a remark",
      "over two lines",
      "",
      "STYLE",
      "::cue { color: red }",
      "",
      "intro",
      "00:02.000 --> 00:04.000 align:start",
      "<v.loud Tomas>Where is <00:02.500>the ladder?</v> <v Ines>In the garage.",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    cues.map(({ startSeconds, speaker, text, language }) => [startSeconds, speaker, text, language]),
    [
      [2, "Tomas", "Where is the ladder?", "en"],
      [2, "Ines", "In the garage.", "en"],
    ],
  );
  assert.deepEqual(problems, []);
});

const summary = (text: string, options = {}) =>
  parseSubtitles(text, { name: "talk.srt", ...options }).cues.map(({ speaker, text: said }) =>
    speaker === null ? said : `${speaker}: ${said}`,
  );
/** An SRT of cues of two seconds, one after the other. */
const srt = (...texts: string[]) =>
  texts
    .map((text, i) => {
      const at = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 23).replace(".", ",");
      return `${i + 1}\n${at(2 * i)} --> ${at(2 * i + 2)}\n${text}\n`;
    })
    .join("\n");

test("a voice speaks in the cues after it that name none, until another voice, a dash or a pause", () => {
  const told = srt(
    "<v Ana>The bus was late.",
    "It rained all day.",
    "- Where?",
    "Nowhere.",
    "<v Ben>I walked.",
  );
  assert.deepEqual(summary(told), [
    "Ana: The bus was late.",
    "Ana: It rained all day.",
    "Where?",
    "Nowhere.",
    "Ben: I walked.",
  ]);
  const paused = srt("<v Ana>The bus was late.", "[music]", "[music]", "It rained all day.");
  assert.deepEqual(summary(paused), ["Ana: The bus was late.", "It rained all day."]);
  // Names before lines are written where somebody else may answer without one.
  assert.deepEqual(summary(srt("Ana: The bus was late.", "It rained.")), [
    "Ana: The bus was late.",
    "It rained.",
  ]);
});

test("a cue in two languages is one utterance with one speaker; of one wanted language only that", () => {
  const cue = srt("Bruno: 把灯打开\nBruno: Turn on the lamp.");
  assert.deepEqual(summary(cue), ["Bruno: 把灯打开 / Turn on the lamp."]);
  assert.deepEqual(summary(cue, { languages: ["en"] }), ["Bruno: Turn on the lamp."]);
  assert.deepEqual(summary(srt("Шаг назад\nStep back", "Шаг вперёд\nStep forward")), [
    "Шаг назад / Step back",
    "Шаг вперёд / Step forward",
  ]);
});

test("two cues at one time in two languages are one utterance", () => {
  const at = "00:00:01,000 --> 00:00:03,000";
  assert.deepEqual(summary(`1\n${at}\nTurn on the lamp.\n\n2\n${at}\n把灯打开\n`), [
    "Turn on the lamp. / 把灯打开",
  ]);
  const later = "00:00:04,000 --> 00:00:06,000";
  const latin =
    `1\n${at}\nThe key is under the mat.\n\n2\n${at}\nLa llave está en la puerta.\n\n` +
    `3\n${later}\nWe are not in the house.\n\n4\n${later}\nNo es lo que te he dicho.\n`;
  assert.deepEqual(summary(latin), [
    "The key is under the mat. / La llave está en la puerta.",
    "We are not in the house. / No es lo que te he dicho.",
  ]);
});

test("two people who speak at one time in one language are two", () => {
  const at = "00:00:01,000 --> 00:00:03,000";
  assert.deepEqual(summary(`1\n${at}\nI am in the house.\n\n2\n${at}\nAnd you are not.\n`).length, 2);
});

test("dialogue dashes separate two people", () => {
  const { cues } = parse("1\n00:00:01,000 --> 00:00:02,000\n- Did you call?\n- Not yet.\n");
  assert.deepEqual(
    cues.map(({ text }) => text),
    ["Did you call?", "Not yet."],
  );
});

test("a cue that does not parse is skipped with a sentence that names its line", () => {
  const { cues, problems } = parse(
    "1\n00:00:01,000 --> 00:00:02,000\ngood\n\n2\n00:00:99,000 --> soon\nbad\n\n3\n00:00:05,000 --> 00:00:04,000\nbackwards\n",
  );
  assert.deepEqual(
    cues.map(({ text }) => text),
    ["good"],
  );
  assert.equal(problems.length, 2);
  assert.match(problems[0]!, /talk\.srt:6/);
});

test("text that is no subtitle file is refused with its first line", () => {
  assert.throws(
    () => parse("It was a dark night.\n"),
    (error: DataError) => error instanceof DataError && /dark night/.test(error.message),
  );
});

test("an empty WebVTT is a file without cues, not an error", () => {
  assert.deepEqual(parse("WEBVTT\n").cues, []);
});

test("names before a colon are speakers; words and times are not", () => {
  assert.deepEqual(splitSpeaker("Speaker 2: yes"), { speaker: "Speaker 2", rest: "yes" });
  assert.deepEqual(splitSpeaker(">> DR. SMITH: hello"), { speaker: "DR. SMITH", rest: "hello" });
  assert.equal(splitSpeaker("Note: it rains").speaker, null);
  assert.equal(splitSpeaker("It is 10:30 now").speaker, null);
  assert.equal(splitSpeaker("See https://example.org").speaker, null);
});

test("a sentence over several cues is one utterance with its speaker", () => {
  assert.deepEqual(
    summary(
      srt("ANA: The bridge is closed until", "the evening, so we take", "the ferry. It leaves", "at nine."),
    ),
    ["ANA: The bridge is closed until the evening, so we take the ferry.", "It leaves at nine."],
  );
  // the third sentence begins with the last two of four words of its cue, halfway through the cue's letters
  const [first, second] = parse(srt("We meet at", "the pier. Bring your", "boots.")).cues;
  assert.deepEqual([first!.startSeconds, first!.text], [0, "We meet at the pier."]);
  assert.ok(second!.startSeconds > 2.5 && second!.startSeconds < 3.5 && second!.endSeconds === 6);
});

test("where no full stops are written, capitals tell the sentences", () => {
  const lines = [
    "The bridge is closed",
    "and the ferry leaves",
    "at nine",
    "Take the train",
    "We wait for you",
  ];
  assert.deepEqual(summary(srt(...lines)), [
    "The bridge is closed and the ferry leaves at nine",
    "Take the train",
    "We wait for you",
  ]);
  // lines without any capitals stay as they are
  const lower = lines.map((line) => line.toLowerCase());
  assert.deepEqual(summary(srt(...lower)), lower);
});

test("what does not belong together is not joined", () => {
  const pause =
    "1\n00:00:01,000 --> 00:00:02,000\nThe bridge is\n\n2\n00:00:09,000 --> 00:00:10,000\nclosed today.\n";
  assert.equal(summary(pause).length, 2);
  assert.deepEqual(summary(srt("- Did you call\n- Not yet.", "- Then do.")), [
    "Did you call",
    "Not yet.",
    "Then do.",
  ]);
  assert.deepEqual(summary(srt("- Hi. - Hello.")), ["Hi.", "Hello."]);
  assert.deepEqual(summary(srt("&gt;&gt; ANA: so they left &gt;&gt; yes")), ["ANA: so they left", "yes"]);
  assert.deepEqual(summary(srt("ANA: I was", "BEN: Stop.")), ["ANA: I was", "BEN: Stop."]);
  assert.deepEqual(summary(srt("He met Dr.", "Smith at the pier.")), ["He met Dr. Smith at the pier."]);
  assert.deepEqual(summary(srt("No.", "Not me.", "We take plan B.", "So do I.")).length, 4);
  assert.deepEqual(summary(srt("We leave at 5 a.m.", "tomorrow morning.")), [
    "We leave at 5 a.m. tomorrow morning.",
  ]);
});

test("sound tags are no utterances, and none stay in a line", () => {
  assert.deepEqual(
    summary(
      srt(
        "[Music]",
        "(applause)",
        "♪ ♪",
        "♪ take me home ♪",
        "[in another tongue] Go away",
        "[sighs] I don't\n[bleep] know.",
        "(door slams)\nWho is there?",
        "[upbeat music\nplaying]",
        "♪ over the\nriver and\nfar away ♪",
      ),
    ),
    ["Go away", "I don't know.", "Who is there?"],
  );
  assert.deepEqual(summary(srt("I said (as he told me) no.")), ["I said (as he told me) no."]);
});

test("a song is remembered by its lines", () => {
  assert.deepEqual(
    summary(srt("♪ Take me home ♪", "♪ Country roads ♪", "♪ To the place ♪", "♪ Take me home ♪")).length,
    4,
  );
});

test("speakers: labels, tags, and lower-case names where a file is written so", () => {
  assert.deepEqual(
    summary(srt("JOHN: Come in.", "- MARY: Why?\n- (JOHN) Because.", "MAN (ON RADIO): Mayday.")),
    ["JOHN: Come in.", "MARY: Why?", "JOHN: Because.", "MAN: Mayday."],
  );
  assert.deepEqual(
    summary(
      srt(
        "[man 2] Get down!",
        "(ALLISON SIGHS) No.",
        "(DOG BARKING) Quiet!",
        "[SPEAKER_01]: Yes.",
        "[Maria, in Spanish] Adiós.",
      ),
    ),
    ["man 2: Get down!", "ALLISON: No.", "Quiet!", "SPEAKER_01: Yes.", "Adiós."],
  );
  assert.deepEqual(summary(srt("li wei: The bridge is closed.", "van der Berg, Piet: Since when?")), [
    "li wei: The bridge is closed.",
    "van der Berg, Piet: Since when?",
  ]);
  assert.deepEqual(summary(srt("I tell you one thing: run.", "He ran.", "She stayed.")), [
    "I tell you one thing: run.",
    "He ran.",
    "She stayed.",
  ]);
});

test("text after a blank line, a line of one blank, a missing end and a missing blank line belong to their cue", () => {
  const vtt =
    "WEBVTT\n\n00:01.000 --> 00:02.000\nThe bridge\n\nis closed.\n\nNOTE not said\n\n00:04.000 -->\nTake\n \nthe ferry.\n00:06.000 --> 00:07.000\nIt leaves.\n";
  const { cues } = parseSubtitles(vtt, { name: "talk.vtt" });
  assert.deepEqual(
    cues.map(({ startSeconds, endSeconds, text }) => [startSeconds, endSeconds, text]),
    [
      [1, 2, "The bridge is closed."],
      [4, 6, "Take the ferry."],
      [6, 7, "It leaves."],
    ],
  );
});

test("a very long cue is parted into its sentences, and that is said", () => {
  const clauses = Array.from({ length: 400 }, (_, i) => `Clause ${i} is read.`).join(" ");
  const { cues, problems } = parse(`1\n00:00:00,000 --> 00:30:00,000\n${clauses}\n`);
  assert.equal(cues.length, 400);
  // clause 200 of 400 begins in the middle of 30 minutes
  assert.ok(Math.abs(cues[200]!.startSeconds - 900) < 30, `${cues[200]!.startSeconds}`);
  assert.match(problems[0]!, /very long cue/);
});

test("a file that grew says what is new by itself", () => {
  const before = srt("The bridge is closed until");
  const now = srt("The bridge is closed until", "the evening.");
  assert.deepEqual(summary(now), ["The bridge is closed until the evening."]);
  assert.deepEqual(summary(now, { textRead: before }), ["The bridge is closed until", "the evening."]);
});
