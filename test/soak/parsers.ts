/**
 * Everything that reads what others wrote, each with small inputs that are right. An input is damaged and read; the
 * reading gives a result or throws a `TaskMemError`.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { adapterText, loadAdapter } from "../../src/adapter/adapter-file.ts";
import { createAdapter } from "../../src/adapter/arithmetic.ts";
import { exportAdapter, importAdapter } from "../../src/adapter/exchange/exchange.ts";
import { parseReading } from "../../src/answer/parse-reading.ts";
import { readParquet } from "../../src/benchmarks/datasets/files/parquet.ts";
import { parsePythonList } from "../../src/benchmarks/datasets/files/python-list.ts";
import { extractEntry, zipEntries } from "../../src/benchmarks/datasets/files/zip.ts";
import { loadBenchmark } from "../../src/benchmarks/datasets/load.ts";
import type { BenchmarkName } from "../../src/benchmarks/task.ts";
import { loadConfig } from "../../src/config.ts";
import { readWeights, writeWeights } from "../../src/engines/nano/weights-file.ts";
import { readChat } from "../../src/engines/openai/chat.ts";
import { exportMemory, importMemory } from "../../src/memory/export.ts";
import { readLock } from "../../src/models/lock.ts";
import { unpack } from "../../src/models/unpack.ts";
import { parseTsv } from "../../src/perception/screen-text.ts";
import { parseLeniently, parseStrictly } from "../../src/policy/parse-action.ts";
import { parsePreference, parseRanking, parseVerdict } from "../../src/reward/parse-verdict.ts";
import { clockOfName } from "../../src/stream/files/clock-names.ts";
import { jpegSize } from "../../src/stream/jpeg.ts";
import { parsePlaylist } from "../../src/stream/live/hls-playlist.ts";
import { MatroskaReader } from "../../src/stream/matroska.ts";
import { readTexts } from "../../src/stream/texts/texts.ts";
import { openRunDirectory } from "../../src/training/run-directory.ts";
import { pick, type Random, seededRandom } from "../../src/util/random.ts";
import { parseMoment } from "../../src/util/time.ts";
import { fillWithCanary } from "../support/canary.ts";
import { openTestMemory } from "../support/memory.ts";
import { writeZip } from "../support/zip.ts";
import { jsonOf, mutateBytes, mutateValue } from "./mutate.ts";

/** One reader of foreign input. */
export interface Parser {
  readonly name: string;
  /** Inputs that are right. */
  readonly whole: readonly Buffer[];
  /** A damaged input; equal random numbers give equal bytes. */
  input(random: Random): Buffer;
  /** Reads an input; the path is a file in an empty folder, which holds it. */
  read(path: string, bytes: Buffer): unknown;
  /** Name of the file. */
  readonly file: string;
}

type Read = Parser["read"];
type Inputs = Pick<Parser, "whole" | "input">;

/** Damage to bytes of any of some texts. */
function bytesOf(seeds: readonly (string | Buffer)[], tokens: readonly string[] = []): Inputs {
  const whole = seeds.map((seed) => Buffer.from(seed as string));
  return { whole, input: (random) => mutateBytes(random, pick(random, whole), tokens) };
}

/** Damage to fields of some values, and now and then to the bytes of their JSON. */
function fieldsOf(...seeds: readonly unknown[]): Inputs {
  const whole = seeds.map((seed) => Buffer.from(JSON.stringify(seed)));
  const input = (random: Random) => {
    if (random() < 0.3) return mutateBytes(random, pick(random, whole), []);
    return Buffer.from(jsonOf(random, mutateValue(random, pick(random, seeds))));
  };
  return { whole, input };
}

/** Damage to the fields of lines, each a value. */
function linesOf(lines: readonly unknown[]): Inputs {
  const whole = [Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n"))];
  const input = (random: Random) => {
    const target = Math.floor(random() * lines.length);
    const text = lines.map((line, i) =>
      i === target ? jsonOf(random, mutateValue(random, line)) : JSON.stringify(line),
    );
    return Buffer.from(text.join("\n"));
  };
  return { whole, input };
}

const texts: Record<string, [file: string, seed: string, tokens: readonly string[]]> = {
  srt: [
    "a.srt",
    "1\n00:00:01,000 --> 00:00:02,500\n<i>Mira</i>: the kettle is\non the {\\an8}shelf\n\n2\n00:00:03,000 --> 00:00:04,000\n- Yes.\n- [door] No.\n",
    [" --> ", "00:00:01,000", "<i>", "</i>", "<font color=", "{\\", "&nbsp;", "- ", "\n\n", "♪"],
  ],
  vtt: [
    "a.vtt",
    "WEBVTT\n\nNOTE made up\n\nSTYLE\n::cue {}\n\n1\n00:01.000 --> 00:02.000 align:start\n<v Mira>the <c.red>kettle</c></v>\n\n00:02.000 --> 00:03.000\n<00:02.500><c> and</c>\n",
    [" --> ", "<v ", "<v a", "<v.x ", "</v>", "<c>", "NOTE", "<00:01.000>", "\t"],
  ],
  ass: [
    "a.ass",
    "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,Mira,0,0,0,,{\\pos(1,2)}the kettle\\Nis here\n",
    ["Dialogue: ", "Format: ", "{\\", "{\\p1}", "\\N", ",,,,", "[Events]"],
  ],
  ttml: [
    "a.ttml",
    '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div><p begin="00:00:01.000" end="2s">the <span>kettle</span><br/>here</p></div></body></tt>',
    [
      '<p begin="',
      "<span>",
      "<br/>",
      "&amp;",
      "<!--",
      "-->",
      "<![CDATA[",
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      "&b;",
    ],
  ],
  sbv: [
    "a.sbv",
    "0:00:01.000,0:00:02.000\nthe kettle\n\n0:00:03.000,0:00:04.000\nis here[br]now\n",
    ["[br]", ","],
  ],
  lrc: [
    "a.lrc",
    "[ti:Song]\n[00:01.00]the kettle\n[00:02.00][00:05.00]is <00:02.50>here\n",
    ["[00:01.00]", "<00:01.00>"],
  ],
  microdvd: ["a.sub", "{1}{1}25.0\n{25}{50}the kettle|is here\n{60}{80}{y:i}now\n", ["{1}{2}", "|", "{y:i}"]],
  sami: [
    "a.smi",
    "<SAMI><BODY><SYNC Start=1000><P Class=ENCC>the kettle<br>here<SYNC Start=2000><P>&nbsp;</BODY></SAMI>",
    ["<SYNC Start=", "<P>", "<br>", "&nbsp;"],
  ],
  transcript: [
    "a.txt",
    "[00:00:01] Mira: the kettle\n[00:00:03] Tom: is here\n",
    ["[00:00:01]", "00:01", ": "],
  ],
  "whisper tsv": ["a.tsv", "start\tend\ttext\n1000\t2000\tthe kettle\n2000\t3000\tis here\n", ["\t", "\n"]],
};

const whisper = {
  language: "en",
  segments: [
    { start: 0, end: 1.5, text: " The kettle", speaker: "A", words: [{ word: " The", start: 0, end: 0.5 }] },
    { start: 1.5, end: 3, text: " is here." },
  ],
};
const whisperCpp = {
  result: { language: "en" },
  transcription: [{ offsets: { from: 0, to: 1500 }, text: " The kettle" }],
};
const json3 = {
  wireMagic: "pb3",
  events: [{ tStartMs: 0, dDurationMs: 900, segs: [{ utf8: "The kettle" }] }],
};

const readAsTexts: Read = (path) => readTexts(path, { languages: ["en"] });

const rows = [
  { startSeconds: 1, endSeconds: 2, text: "the kettle", speaker: "Mira", kind: "speech" },
  { startSeconds: 3, endSeconds: 4, text: "a red door", kind: "caption", language: "en" },
];

const questions: Record<BenchmarkName, [file: string, rows: unknown]> = {
  egolife: [
    "EgoLifeQA_A1_JAKE.json",
    [
      {
        ...{ ID: "1", query_time: { date: "DAY1", time: "11210217" }, type: "EntityLog", question: "Who?" },
        ...{ choice_a: "a", choice_b: "b", choice_c: "c", choice_d: "d", answer: "A" },
        target_time: { date: "DAY1", time: "11152408" },
      },
    ],
  ],
  egotempo: [
    "egotempo_openQA.json",
    {
      annotations: [
        { question_id: "q1", clip_id: "a_0_10", question: "What?", answer: "A kettle.", question_type: "t" },
      ],
    },
  ],
  m3bench: [
    "robot.json",
    {
      kitchen_01: {
        video_path: "kitchen_01.mp4",
        qa_list: [{ question: "Who?", answer: "Mira", question_id: "k1", timestamp: "01:10", type: ["x"] }],
      },
    },
  ],
  videomme: [
    "videomme.json",
    [
      {
        ...{ video_id: "001", duration: "short", domain: "Knowledge", sub_category: "Astronomy" },
        ...{ url: "https://example.org/a", videoID: "aaaaaaaaaa1", question_id: "001-1", task_type: "OCR" },
        ...{ question: "What?", options: ["A. a", "B. b", "C. c", "D. d"], answer: "A" },
      },
    ],
  ],
};
const table =
  "index\tvideo\tduration\tdomain\tcandidates\tsub_category\ttask_type\tquestion\tanswer\n0\taaaaaaaaaa1\tshort\tKnowledge\t['A. a', 'B. b', 'C. c', 'D. d']\tAstronomy\tOCR\t\"What\nis it?\"\tA\n";

const space = "words:soak";
const adapterTarget = { space, dimension: 8, base: "choice@1" };
const adapter = JSON.parse(
  adapterText(
    {
      adapter: createAdapter(space, 8, [
        [1, 0.5],
        [5, -2],
      ]),
      base: "choice@1",
      provenance: { method: "closed-form", parents: [], tasks: ["t"], createdAtMs: 1, report: { n: 1 } },
    },
    "seed",
  ),
);

const contract = {
  known: { ids: ["person_1"], speakers: ["Mira"] },
  semantic: true,
  countTokens: (text: string) => text.length / 4,
};
const question = {
  text: "Where?",
  options: [
    { letter: "A", text: "here" },
    { letter: "B", text: "there" },
  ],
};

const action = { description: "Mira puts <person_1> on the shelf.", knowledge: ["The kettle is red."] };
const fenced = `Sure.\n\`\`\`json\n${JSON.stringify(action)}\n\`\`\``;
const reading = { abstain: false, answer: "on the shelf", option: "A", citations: ["entry_1"] };

function readAsAnswer(_: string, bytes: Buffer): void {
  const text = bytes.toString("utf8");
  parseStrictly(text, contract);
  parseLeniently(text, contract);
  parseReading(text, question as never, 1);
  parseVerdict(text, "correct");
  parseRanking(text, 3);
  parsePreference(text);
}

const jsonBenchmark = (name: BenchmarkName): Parser => ({
  name: `annotations of ${name}`,
  file: questions[name][0],
  ...fieldsOf(questions[name][1]),
  read: (path) => loadBenchmark(name, join(path, ".."), path),
});

/** Reads an export into a memory; what is taken must be sound, recalled and forgotten. */
async function readAsExport(path: string): Promise<void> {
  const memory = await openTestMemory(join(path, "../memory"));
  try {
    await importMemory(path, memory);
    const wrong = await memory.check();
    if (wrong.length > 0)
      throw new Error(`an import left a memory that is not sound: ${JSON.stringify(wrong)}`);
    await memory.recall({ text: "kettle", limit: 5 } as never);
    await memory.forget({ person: "Ann" });
    await memory.forget({ query: "kettle" });
    const after = await memory.check();
    if (after.length > 0)
      throw new Error(`forgetting left a memory that is not sound: ${JSON.stringify(after)}`);
  } finally {
    await memory.close();
  }
}

async function readAsZip(path: string): Promise<void> {
  for (const name of await zipEntries(path)) await extractEntry(path, name, join(path, "../entry"));
}

const readAsPackage =
  (archive: "zip" | "tgz"): Read =>
  (path, bytes) => {
    let n = 0;
    return unpack(path, { archive, bytes: bytes.length, target: () => join(path, `../out-${n++}`) });
  };

/** A tar of one file, gzipped. */
function tgz(): Buffer {
  const content = Buffer.from("weights");
  const header = Buffer.alloc(512);
  header.write("package/net.onnx", 0);
  header.write("0000644\0", 100);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write("0ustar\x0000", 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(1536 - content.length)]);
}

/** A safetensors file whose numbers keep their checksum, so that what is damaged is its header. */
function weights(folder: string): Buffer {
  const path = join(folder, "seed.safetensors");
  writeWeights(path, {
    a: { shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) },
    b: { shape: [1], values: Float32Array.of(5) },
  });
  return readFileSync(path);
}

function weightsOf(seed: Buffer): Inputs {
  const length = Number(seed.readBigUInt64LE(0));
  const header = JSON.parse(seed.toString("utf8", 8, 8 + length));
  const input = (random: Random) => {
    if (random() < 0.3) return mutateBytes(random, seed, []);
    const text = Buffer.from(jsonOf(random, mutateValue(random, header)));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([size, text, seed.subarray(8 + length)]);
  };
  return { whole: [seed], input };
}

/** An element of less than 127 bytes. @param id hexadecimal */
const element = (id: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(id, "hex"), Buffer.from([0x80 | body.length]), body]);
};
const unending = Buffer.from("01ffffffffffffff", "hex");
const one = Buffer.from([1]);
const matroska = Buffer.concat([
  ...[element("1a45dfa3"), Buffer.from("18538067", "hex"), unending],
  element(
    "1654ae6b",
    element(
      "ae",
      element("d7", one),
      element("83", one),
      element("86", Buffer.from("V_MJPEG")),
      element("e0", element("b0", one), element("ba", one)),
    ),
  ),
  ...[Buffer.from("1f43b675", "hex"), unending, element("e7", Buffer.from([0]))],
  ...[
    element("a3", Buffer.from("8100008000ff", "hex")),
    element("a0", element("a1", Buffer.from("8100008000ff", "hex")), element("9b", one)),
  ],
]);
const jpeg = Buffer.from("ffd8ffe000104a46494600010100000100010000ffc0000b080003000401012200ffda00", "hex");

const chat = {
  id: "c",
  choices: [
    { index: 0, finish_reason: "stop", message: { role: "assistant", content: "{}" }, logprobs: null },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

const config = {
  memory: "./memory",
  policy: "choice",
  model: { baseUrl: "http://localhost:1/v1", model: "m", temperature: 0.5 },
  choice: { budget: 0.2 },
};

const lock = {
  version: 1,
  models: {
    tiny: { source: "npm:a@1.0.0", licence: null, files: [{ name: "a", bytes: 1, sha256: "0".repeat(64) }] },
  },
};

const steering = createAdapter("residual:tiny@2", 4, [
  [0, 0.5],
  [3, -2],
]);
/** A vector in another program's format; a folder's file with the numbers is read alone. */
const exchanged: Parser[] = (
  [
    ["gguf", "a.gguf", "", {}],
    ["beft", "a.safetensors", "adapter_model.safetensors", {}],
    ["vllm-lens", "a.json", "", {}],
    ["steer-pt", "a.pt", "", { blocks: 3 }],
  ] as const
).map(([format, file, part, options]) => ({
  ...{ name: `adapter as ${format}`, file, read: (path) => importAdapter(path, "tiny") },
  ...bytesOf(
    [Buffer.from(exportAdapter(steering, format, options)[part]!)],
    ["\xff\xff\xff\xff", "PK\x03\x04", "ctorch\n"],
  ),
}));

const playlists = [
  '#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",URI="en.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES="s"\nv.m3u8\n',
  "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-PROGRAM-DATE-TIME:2024-02-03T04:05:06.500Z\n#EXTINF:6.006,title\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@200\nb.vtt\n#EXT-X-ENDLIST\n",
];
const playlistTokens = ["#EXTINF:", "#EXT-X-MEDIA:", 'URI="', "=", ",", '"', "\n", "1e309", "http://"];

async function readAsRun(path: string): Promise<void> {
  const run = openRunDirectory(join(path, ".."), {});
  run.rows("metrics.jsonl");
  if (existsSync(path)) run.drawCurves("run");
  await run.resume({ load: async () => {} });
}

/** All parsers. @param folder where seeds are made that need a file */
export async function parsers(folder: string): Promise<Parser[]> {
  const exported = await exportSeed(folder);
  const zip = join(folder, "seed.zip");
  writeZip(zip, [
    { name: "data/a.mp4", bytes: Buffer.from("film film film film film"), deflated: true },
    { name: "b.srt", bytes: Buffer.from("words") },
  ]);
  const zipTokens = ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "\xff\xff\xff\xff", "../", "/etc/"];
  const fixtures = join(import.meta.dirname, "../../src/benchmarks/datasets/files/__fixtures__");
  return [
    ...Object.entries(texts).map(([name, [file, seed, tokens]]) => ({
      ...{ name, file, read: readAsTexts, ...bytesOf([seed], tokens) },
    })),
    { name: "whisper json", file: "a.json", ...fieldsOf(whisper, whisperCpp, json3), read: readAsTexts },
    { name: "jsonl texts", file: "a.jsonl", ...linesOf(rows), read: readAsTexts },
    {
      name: "export, bytes",
      file: "memory.jsonl",
      ...bytesOf([exported.join("\n")]),
      read: readAsExport,
    },
    {
      ...{ name: "export, fields", file: "memory.jsonl", read: readAsExport },
      ...linesOf(exported.map((line) => JSON.parse(line))),
    },
    {
      ...{ name: "adapter", file: "adapter.json", ...fieldsOf(adapter) },
      read: (path) => loadAdapter(path, adapterTarget),
    },
    { name: "safetensors", file: "a.safetensors", ...weightsOf(weights(folder)), read: readWeights },
    {
      ...{ name: "parquet", file: "a.parquet", read: readParquet },
      ...bytesOf(
        ["official-list", "official-large-list"].map((name) =>
          readFileSync(join(fixtures, `${name}.parquet`)),
        ),
        ["\xff\xff\xff\xff", "PAR1"],
      ),
    },
    { name: "zip", file: "a.zip", ...bytesOf([readFileSync(zip)], zipTokens), read: readAsZip },
    {
      name: "zip package",
      file: "a.whl",
      ...bytesOf([readFileSync(zip)], zipTokens),
      read: readAsPackage("zip"),
    },
    {
      ...{ name: "tar package", file: "a.tgz", read: readAsPackage("tgz") },
      whole: [gzipSync(tgz())],
      input: (random) =>
        random() < 0.3
          ? mutateBytes(random, gzipSync(tgz()), [])
          : gzipSync(mutateBytes(random, tgz(), ["package/", "\0"])),
    },
    ...(Object.keys(questions) as BenchmarkName[]).map(jsonBenchmark),
    {
      ...{
        name: "annotations as a table",
        file: "Video-MME.tsv",
        ...bytesOf([table], ["\t", '"', "['a', 'b']", "\n"]),
      },
      read: (path) => loadBenchmark("videomme", join(path, ".."), path),
    },
    {
      ...{
        name: "python list",
        file: "a.txt",
        ...bytesOf([`['a', "it's", 3, None]`], ["\\x41", "\\U0010ffff", ",", "'"]),
      },
      read: (_, bytes) => parsePythonList(bytes.toString()),
    },
    {
      ...{ name: "tesseract's table", file: "a.tsv", read: (_, bytes) => parseTsv(bytes.toString()) },
      ...bytesOf(
        [
          "level\tpage_num\n5\t1\t1\t1\t1\t1\t10\t10\t50\t12\t96.1\tKettle\n5\t1\t1\t1\t1\t2\t70\t10\t50\t12\t91.0\tshop\n",
        ],
        ["\t", "\n", "5\t1\t1\t1\t1\t1\t10\t10\t50\t12\t96.1\tx\n"],
      ),
    },
    {
      ...{ name: "model's answer, bytes", file: "a.txt", read: readAsAnswer },
      ...bytesOf(
        [
          fenced,
          JSON.stringify(reading),
          '<think>x</think>{"correct": true, "rationale": "r"}',
          "B",
          '{"ranking": [2, 1, 3]}',
        ],
        ["```json", "<think>", "</think>", "<person_1>", "{", '"', "entry_1"],
      ),
    },
    { name: "model's answer, fields", file: "a.json", ...fieldsOf(action, reading), read: readAsAnswer },
    {
      name: "endpoint's answer",
      file: "a.json",
      ...fieldsOf(chat),
      read: (_, bytes) => readChat(asJson(bytes)),
    },
    {
      ...{ name: "config file", file: "taskmem.config.json", ...fieldsOf(config) },
      read: (path) => loadConfig({}, { file: path, cwd: join(path, ".."), env: {} }),
    },
    {
      name: "list of models",
      file: "models.lock.json",
      ...fieldsOf(lock),
      read: (path) => readLock(join(path, "..")),
    },
    {
      name: "state of a run",
      file: "state.json",
      ...fieldsOf({ step: 3, weights: "step-3.weights" }),
      read: readAsRun,
    },
    {
      name: "metrics of a run",
      file: "metrics.jsonl",
      ...linesOf([
        { step: 0, loss: 2 },
        { step: 1, loss: 1 },
      ]),
      read: readAsRun,
    },
    {
      name: "matroska",
      file: "a.mkv",
      ...bytesOf([matroska]),
      read: (_, bytes) => new MatroskaReader().read(bytes),
    },
    ...exchanged,
    {
      ...{ name: "playlist", file: "a.m3u8", ...bytesOf(playlists, playlistTokens) },
      read: (_, bytes) => parsePlaylist(bytes.toString(), "https://user:pass@example.org/a/b.m3u8"),
    },
    { name: "jpeg", file: "a.jpg", ...bytesOf([jpeg]), read: (_, bytes) => jpegSize(bytes) },
    {
      ...{
        name: "names and moments",
        file: "a.txt",
        ...bytesOf(
          ["2026-11-28_07-42-20_cam1.mp4", "DAY1 11:21:02", "00:10:00"],
          ["1", ":", "-", "_", "PM", "DAY"],
        ),
      },
      read: (_, bytes) => {
        clockOfName(bytes.toString());
        parseMoment(bytes.toString(), { kind: "media" });
      },
    },
  ];
}

/** What an endpoint's body is before it is read: JSON, or not an answer at all. */
function asJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}

/** Lines of the export of a small memory. */
async function exportSeed(folder: string): Promise<string[]> {
  const memory = await openTestMemory(join(folder, "seed"));
  await fillWithCanary(memory);
  await exportMemory(memory, join(folder, "export"));
  await memory.close();
  return readFileSync(join(folder, "export", "memory.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
}

/** A folder for one input, emptied of the one before. */
export function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

/** What input n of a seed is made from. */
export const inputRandom = (seed: string, n: number): Random => seededRandom(`${seed} ${n}`);
