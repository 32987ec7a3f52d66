/** One small file of each format, with the same two lines and what the format has beside them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataError } from "../../../errors.ts";
import { parseSubtitles } from "../subtitles.ts";

const read = (name: string, ...lines: string[]) => parseSubtitles(lines.join("\n"), { name });
const summary = (name: string, ...lines: string[]) =>
  read(name, ...lines).cues.map(({ startSeconds, endSeconds, speaker, text }) => [
    startSeconds,
    endSeconds,
    speaker,
    text,
  ]);

const events = [
  "[Script Info]",
  "Title: bridge",
  "[V4+ Styles]",
  "Format: Name, Fontname",
  "Style: Default,Arial",
  "[Events]",
  "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
];
const dialogue = (start: string, end: string, text: string, style = "Default", name = "") =>
  `Dialogue: 0,${start},${end},${style},${name},0,0,0,,${text}`;

test("ASS: speakers, commas, line breaks, layers, drawings, comments and signs", () => {
  const { cues, problems } = read(
    "talk.ass",
    ...events,
    "Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not said",
    dialogue(
      "0:00:01.00",
      "0:00:03.50",
      "{\\an8}The bridge, says he,\\Nis {\\i1}closed{\\i0}.",
      "Default",
      "Ana",
    ),
    dialogue("0:00:01.00", "0:00:03.50", "{\\bord4}The bridge, says he,\\Nis closed.", "Default", "Ana"),
    dialogue("0:00:02.00", "0:00:04.00", "{\\p1}m 0 0 l 100 0 100 100{\\p0}"),
    dialogue("0:00:04.00", "0:00:06.00", "NO ENTRY", "Signs"),
    "Dialogue: broken",
  );
  assert.deepEqual(
    cues.map(({ startSeconds, endSeconds, speaker, kind, text }) => [
      startSeconds,
      endSeconds,
      speaker,
      kind,
      text,
    ]),
    [
      [1, 3.5, "Ana", "speech", "The bridge, says he, is closed."],
      [4, 6, null, "screen", "NO ENTRY"],
    ],
  );
  assert.match(problems[0]!, /talk\.ass:13/);
});

test("TTML: times of every kind, breaks, speakers, language", () => {
  const document = [
    '<?xml version="1.0"?><!-- <p begin="0s" end="9s">not said</p> -->',
    '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" xml:lang="en" ttp:frameRate="25" ttp:tickRate="10000000">',
    '<head><ttm:agent xml:id="a1" type="person"><ttm:name type="full">Ana</ttm:name></ttm:agent></head>',
    '<body><div begin="10s"><p begin="1s" end="3.5s" ttm:agent="a1">The <span>bridge</span><br/>is &quot;closed&quot;.</p>',
    '<p begin="00:00:04:05" dur="2s">Take the ferry.</p></div>',
    '<div><p begin="200000000t" end="220000000t">It leaves.</p></div></body></tt>',
  ];
  assert.deepEqual(summary("talk.ttml", ...document), [
    [11, 13.5, "Ana", 'The bridge is "closed".'],
    // frame 5 of 25 is 0.2 s
    [14.2, 16.2, null, "Take the ferry."],
    [20, 22, null, "It leaves."],
  ]);
  assert.equal(read("talk.dfxp", ...document).cues[0]!.language, "en");
});

test("SBV, LRC, MicroDVD, MPL2, SAMI and tables", () => {
  assert.deepEqual(
    summary(
      "talk.sbv",
      "0:00:01.000,0:00:03.500",
      "The bridge",
      "is closed.",
      "",
      "0:00:04.000,0:00:06.000",
      "Take the ferry.",
    ),
    [
      [1, 3.5, null, "The bridge is closed."],
      [4, 6, null, "Take the ferry."],
    ],
  );
  assert.deepEqual(
    summary(
      "song.lrc",
      "[ti:Bridge]",
      "[offset:500]",
      "[00:01.50]The bridge is closed.",
      "[00:04.50][00:20.00]Take <00:05.00>the ferry.",
    ),
    [
      [1, 4, null, "The bridge is closed."],
      [4, 9, null, "Take the ferry."],
      [19.5, 24.5, null, "Take the ferry."],
    ],
  );
  assert.deepEqual(
    summary("talk.sub", "{1}{1}25", "{25}{75}{y:i}The bridge|is closed.", "{100}{150}Take the ferry."),
    [
      [1, 3, null, "The bridge is closed."],
      [4, 6, null, "Take the ferry."],
    ],
  );
  assert.deepEqual(summary("talk.txt", "[10][30]/The bridge|is closed.", "[40][60]Take the ferry."), [
    [1, 3, null, "The bridge is closed."],
    [4, 6, null, "Take the ferry."],
  ]);
  assert.deepEqual(
    summary(
      "talk.smi",
      "<SAMI><BODY>",
      "<SYNC Start=1000><P Class=ENCC>The bridge<br>is closed.",
      "<SYNC Start=3000><P>&nbsp;",
      "</BODY></SAMI>",
    ),
    [[1, 3, null, "The bridge is closed."]],
  );
  assert.deepEqual(summary("talk.tsv", "start\tend\ttext", "1000\t3500\tThe bridge is closed."), [
    [1, 3.5, null, "The bridge is closed."],
  ]);
});

test("JSON of Whisper, WhisperX with speakers, whisper.cpp and YouTube", () => {
  const json = (value: unknown) => summary("talk.json", JSON.stringify(value));
  const segments = [{ id: 0, start: 1, end: 3.5, text: " The bridge is closed." }];
  assert.deepEqual(json({ text: "The bridge is closed.", segments, language: "en" }), [
    [1, 3.5, null, "The bridge is closed."],
  ]);
  const words = [
    { word: "Closed?", start: 1, end: 1.5, speaker: "SPEAKER_00" },
    { word: "Yes.", start: 2, end: 2.5, speaker: "SPEAKER_01" },
  ];
  assert.deepEqual(json({ segments: [{ start: 1, end: 2.5, text: "Closed? Yes.", words }] }), [
    [1, 1.5, "SPEAKER_00", "Closed?"],
    [2, 2.5, "SPEAKER_01", "Yes."],
  ]);
  const transcription = [
    { timestamps: {}, offsets: { from: 1000, to: 3500 }, text: " The bridge is closed." },
  ];
  assert.deepEqual(json({ result: { language: "en" }, transcription }), [
    [1, 3.5, null, "The bridge is closed."],
  ]);
  const eventsOf = [
    { tStartMs: 1000, dDurationMs: 2500, segs: [{ utf8: "The bridge" }, { utf8: " is closed." }] },
  ];
  assert.deepEqual(json({ wireMagic: "pb3", events: eventsOf }), [[1, 3.5, null, "The bridge is closed."]]);
  assert.throws(() => read("talk.info.json", '{"id":"x","title":"Bridge"}'), /times/);
});

test("plain transcripts: times before lines, in brackets, behind names, on lines of their own", () => {
  assert.deepEqual(
    summary(
      "talk.txt",
      "Meeting of Monday",
      "",
      "[00:00:01] Ana: The bridge is closed.",
      "[00:00:04] Ben: Take the ferry.",
    ),
    [
      [1, 4, "Ana", "The bridge is closed."],
      [4, 9, "Ben", "Take the ferry."],
    ],
  );
  assert.deepEqual(summary("talk.txt", "00:01 The bridge is closed.", "01:02:03 Take the ferry."), [
    [1, 6, null, "The bridge is closed."],
    [3723, 3728, null, "Take the ferry."],
  ]);
  assert.deepEqual(
    summary("talk.txt", "Ana Lopez (00:01):", "The bridge is closed.", "", "Ben  00:04", "Take the ferry."),
    [
      [1, 4, "Ana Lopez", "The bridge is closed."],
      [4, 9, "Ben", "Take the ferry."],
    ],
  );
  assert.deepEqual(summary("talk.txt", "[00:01.000 --> 00:03.500]  The bridge is closed."), [
    [1, 3.5, null, "The bridge is closed."],
  ]);
});

test("plain transcripts of meeting services", () => {
  const expected = [
    [1, 4, "Speaker 1", "The bridge is closed."],
    [4, 9, "Speaker 2", "Take the ferry."],
  ];
  assert.deepEqual(
    summary("a.txt", "Speaker 1  0:01", "The bridge is closed.", "", "Speaker 2  0:04", "Take the ferry."),
    expected,
  );
  assert.deepEqual(
    summary("b.txt", "Speaker 1: [00:01] The bridge is closed.", "Speaker 2: [00:04] Take the ferry."),
    expected,
  );
  assert.deepEqual(
    summary(
      "c.txt",
      "00:00:01 - 00:00:04",
      "Speaker 1: The bridge is closed.",
      "00:00:04 - 00:00:09",
      "Speaker 2: Take the ferry.",
    ),
    expected,
  );
  assert.deepEqual(
    summary("d.txt", "0:01", "the bridge is closed", "0:04", "take the ferry").map(([start, , , text]) => [
      start,
      text,
    ]),
    [
      [1, "the bridge is closed"],
      [4, "take the ferry"],
    ],
  );
});

test("a text without times is refused with what to do", () => {
  assert.throws(
    () => read("talk.txt", "The bridge is closed.", "Take the ferry."),
    (error: DataError) => error.code === "subtitles-unreadable" && /00:01 Ana/.test(error.message),
  );
});

test("a format is told by its content where the extension says another", () => {
  assert.equal(read("talk.srt", ...events, dialogue("0:00:01.00", "0:00:02.00", "Closed.")).cues.length, 1);
  assert.equal(read("talk.vtt", "1", "00:00:01,000 --> 00:00:02,000", "Closed.").cues.length, 1);
});
