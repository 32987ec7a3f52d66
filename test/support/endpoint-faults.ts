/**
 * Kinds of faults of a model endpoint, and a watch that meets one after two good clips: what it costs, and whether the
 * key gets anywhere.
 *
 * A real server speaks the protocol and fails; the commands are the command line's own, in this process.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { run as exportCommand } from "../../src/cli/commands/export.ts";
import { run as watchCommand } from "../../src/cli/commands/watch.ts";
import { createOutput, exitCodeOf } from "../../src/cli/output.ts";
import { keyTraces } from "./canary.ts";
import { filesHolding, openTestMemory } from "./memory.ts";
import {
  eventOf,
  type Fault,
  type OpenAiServer,
  type ServerRequest,
  startOpenAiServer,
} from "./openai-server.ts";

/** A kind of fault, and how a watch that meets it at every further clip ends. */
export interface EndpointFault {
  readonly name: string;
  /** Exit code of `watch`. */
  readonly code: 0 | 4 | 130;
  /** What the server does; `null` where it closes. */
  readonly fault: ((request: ServerRequest) => Fault) | null;
  /** Tries after the first. @default 0 */
  readonly retries?: number;
  /** Whether the user interrupts as soon as the fault is met. @default false */
  readonly interrupted?: boolean;
}

const json = { "content-type": "application/json" };
const events = { "content-type": "text/event-stream" };
const html = { "content-type": "text/html" };
const page = "<html><body><h1>Bad gateway</h1></body></html>";

const status =
  (code: number, message = `fault ${code}`, retryAfter?: string) =>
  (): Fault => ({
    ...{ kind: "status", status: code, message },
    ...(retryAfter !== undefined && { retryAfter }),
  });
const answer =
  (respond: (response: ServerResponse, request: ServerRequest) => void) => (request: ServerRequest) =>
    ({ kind: "answer", respond: (response) => respond(response, request) }) satisfies Fault;
const raw = (code: number, headers: Record<string, string>, body: string | Buffer) =>
  answer((response) => response.writeHead(code, headers).end(body));
const says = (content: string) => (): Fault => ({ kind: "content", content });
const completion = (content: string, usage: unknown = null) => ({
  ...{ id: "c", object: "chat.completion", choices: [{ message: { content }, finish_reason: "stop" }] },
  usage,
});
const body = (value: unknown) => (): Fault => ({ kind: "body", body: value });

const piece = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const end = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
/** Streams some events, parsed or as they are; what comes then is up to `after`. */
const streams = (
  sent: readonly unknown[],
  after: (response: ServerResponse, request: ServerRequest) => void = (response) => response.end(),
) =>
  answer((response, request) => {
    response.writeHead(200, events);
    response.flushHeaders();
    for (const event of sent) response.write(typeof event === "string" ? event : eventOf(event));
    after(response, request);
  });
const stall = () => {};

/** Writes a text again and again for as long as it is read. */
const endless = (head: Record<string, string>, first: string, text: string) => (response: ServerResponse) => {
  response.writeHead(200, head);
  response.write(first);
  const more = () => {
    while (!response.destroyed && response.write(text));
  };
  response.on("drain", more);
  more();
};

/** Says a few times a second that it is there. */
function keepAlive(response: ServerResponse): void {
  const timer = setInterval(() => response.write(": wait\n\n"), 100);
  response.on("close", () => clearInterval(timer));
}

/** Streams the key, each piece of which says little. */
function keyInPieces(response: ServerResponse, { authorization = "" }: ServerRequest): void {
  const pieces = `I was sent ${authorization}.`.match(/.{1,5}/g) ?? [];
  response.end([...pieces.map(piece), end].map(eventOf).join(""));
}

export const endpointFaults: readonly EndpointFault[] = [
  { name: "429", code: 4, fault: status(429) },
  { name: "429, asking for a second", code: 4, fault: status(429, "slow down", "1"), retries: 1 },
  {
    ...{ name: "429, asking for a day", code: 130, fault: status(429, "slow down", "86400") },
    ...{ retries: 1, interrupted: true },
  },
  { name: "429, the quota is spent", code: 4, fault: status(429, "You exceeded your current quota") },
  { name: "500", code: 4, fault: status(500) },
  { name: "502 with a page", code: 4, fault: raw(502, html, page) },
  { name: "503", code: 4, fault: status(503) },
  { name: "silence", code: 4, fault: () => ({ kind: "hang" }) },
  { name: "silence after the head", code: 4, fault: () => ({ kind: "hang", afterHead: true }) },
  { name: "a body that is cut", code: 4, fault: () => ({ kind: "cut" }) },
  { name: "another schema", code: 4, fault: body({ object: "list", data: [] }) },
  { name: "not JSON", code: 4, fault: () => ({ kind: "malformed" }) },
  { name: "200 with a page", code: 4, fault: raw(200, html, page) },
  { name: "an empty body", code: 4, fault: raw(200, json, "") },
  { name: "400", code: 4, fault: status(400) },
  { name: "401", code: 4, fault: status(401) },
  { name: "402", code: 4, fault: status(402, "Payment required") },
  { name: "403", code: 4, fault: status(403) },
  { name: "404", code: 4, fault: status(404) },
  { name: "413", code: 4, fault: status(413) },
  { name: "422", code: 4, fault: status(422) },
  {
    ...{ name: "a redirect to another host", code: 4 },
    fault: raw(307, { location: "http://elsewhere.invalid/v1/chat/completions" }, ""),
  },
  { name: "an endless body", code: 4, fault: answer(endless(json, "", " ".repeat(1 << 20))) },
  { name: "a stream without a first token", code: 4, fault: streams([], stall) },
  { name: "a stream that stops in the middle", code: 4, fault: streams([piece("A lantern")], stall) },
  {
    ...{ name: "a stream that is reset", code: 4 },
    fault: streams([piece("A lantern")], (response) => response.destroy()),
  },
  { name: "a stream that ends in the middle", code: 4, fault: streams([piece("A lantern")]) },
  {
    ...{ name: "a stream that only keeps the connection alive", code: 4 },
    fault: streams([], keepAlive),
  },
  {
    ...{ name: "an error in a stream", code: 4 },
    fault: streams([piece("A"), { error: { code: 500, message: "does not match the format" } }]),
  },
  { name: "an event that is not JSON", code: 4, fault: streams([piece("A"), "data: {half\n\n"]) },
  { name: "an endless event", code: 4, fault: answer(endless(events, "data: ", " ".repeat(1 << 20))) },
  {
    ...{ name: "endless tokens", code: 4 },
    fault: answer(endless(events, "", eventOf(piece("lantern ".repeat(2000))))),
  },
  {
    ...{ name: "a stream without usage", code: 0 },
    fault: streams([piece("A lantern "), piece("is lit."), end]),
  },
  { name: "a stream that repeats the key in pieces", code: 0, fault: streams([], keyInPieces) },
  { name: "an empty text", code: 0, fault: says("") },
  { name: "a text of noise", code: 0, fault: says("\u0000\u001b[2J\u202e\ufffd ;;[[{{ \u0007") },
  { name: "a text that is another JSON", code: 0, fault: says('{"weather": ["mild", 3]}') },
  { name: "a line of 4 MB", code: 0, fault: says("lantern ".repeat(500_000)) },
  {
    ...{ name: "bytes that are not UTF-8", code: 0 },
    fault: raw(200, json, Buffer.from(JSON.stringify(completion("caf\u00e9 \u00ff lantern")), "latin1")),
  },
  {
    ...{ name: "negative usage", code: 0 },
    fault: body(completion("A lantern is lit.", { prompt_tokens: -5e9, completion_tokens: -1 })),
  },
  {
    ...{ name: "a body that repeats the key", code: 4 },
    fault: ({ authorization }) => ({ kind: "body", body: { headers: { authorization } } }),
  },
  {
    ...{ name: "an error that repeats the key", code: 4 },
    fault: ({ authorization }) => ({ kind: "status", status: 400, message: `who sent ${authorization}?` }),
  },
  {
    ...{ name: "a text that repeats the key", code: 0 },
    fault: ({ authorization = "" }) => {
      const coded = Buffer.from(`user:${authorization.slice(7)}`).toString("base64");
      return {
        kind: "content",
        content: `I was sent ${authorization}, ${encodeURIComponent(authorization)} and ${coded}.`,
      };
    },
  },
  { name: "a connection that is reset", code: 4, fault: answer((response) => response.destroy()) },
  { name: "no connection", code: 4, fault: null },
];

const clips = 6;
const goodClips = 2;

/** What a fault did. */
export interface FaultOutcome {
  /** Exit code while the fault lasted, and of the same command when it was over. */
  readonly codes: readonly [number, number];
  /** Clips stored in the end, of six. */
  readonly stored: number;
  /** Clips that failed for good, or wait, in the end. */
  readonly failed: number;
  /** Calls after the fault. */
  readonly spentTokens: number;
  /** Where the key was found: files of the memory and its exports, or what was printed. */
  readonly leaks: readonly string[];
}

/** Watches six clips into a folder, through the fault and after it. `TASKMEM_API_KEY` must be the canary's key. */
export async function meetFault(kind: EndpointFault, folder: string): Promise<FaultOutcome> {
  mkdirSync(folder);
  const source = join(folder, "talk.jsonl");
  const row = (i: number) => ({
    startSeconds: i * 10 + 1,
    endSeconds: i * 10 + 3,
    text: `Lantern ${i} is lit.`,
  });
  writeFileSync(source, Array.from({ length: clips }, (_, i) => `${JSON.stringify(row(i))}\n`).join(""));
  const place = { source, memory: join(folder, "memory") };
  const printed: string[] = [];
  const server = await startOpenAiServer({ models: ["eyes"] });
  const abort = new AbortController();
  let asked = 0;
  server.setFaults((request) => {
    if (request.text.includes('{"ok": true}') || asked++ < goodClips) return undefined;
    if (kind.interrupted) setTimeout(() => abort.abort(), 50);
    if (kind.fault !== null) return kind.fault(request);
    void server.close();
    return { kind: "hang" };
  });
  const during = await watch(server, place, kind.retries ?? 0, printed, abort.signal);
  await exported(place.memory, join(folder, "export 1"), printed);
  await server.close();
  const sound = await startOpenAiServer({ models: ["eyes"] });
  const after = await watch(sound, place, 0, printed, new AbortController().signal);
  await sound.close();
  await exported(place.memory, join(folder, "export 2"), printed);
  const memory = await openTestMemory(place.memory);
  const stored = (await memory.progress("talk", 5)).storedClips;
  const failed = (await memory.clipFailures()).length;
  await memory.close();
  const text = printed.join("");
  const leaks = keyTraces.flatMap((trace) => [
    ...filesHolding(folder, trace),
    ...(text.toLowerCase().includes(trace.toLowerCase()) ? ["printed"] : []),
  ]);
  const tokens = [...text.matchAll(/"promptTokens":(-?[\d.e+]+)/g)].map(([, count]) => Number(count));
  return { codes: [during, after], stored, failed, spentTokens: Math.min(...tokens), leaks };
}

interface Place {
  readonly source: string;
  readonly memory: string;
}

async function watch(
  { baseURL }: OpenAiServer,
  { source, memory }: Place,
  retries: number,
  printed: string[],
  signal: AbortSignal,
): Promise<number> {
  const flags = {
    ...{ memory, "model.baseUrl": baseURL, "model.model": "eyes", screenText: false },
    ...{ "model.timeoutSeconds": 0.6, "model.maxRetries": retries },
  };
  const output = writtenTo(printed);
  const call = { output, flags, configFile: undefined, signal, options: { verbose: true } };
  return watchCommand(call, [source]).catch((error: Error & { code?: string }) => {
    output.object({ event: "error", code: error.code, message: error.message });
    output.note(`${error.message}\n${error.stack}`);
    return signal.aborted ? 130 : exitCodeOf(error);
  });
}

async function exported(memory: string, directory: string, printed: string[]): Promise<void> {
  const signal = new AbortController().signal;
  const call = { output: writtenTo(printed), flags: { memory }, configFile: undefined, signal, options: {} };
  await exportCommand(call, directory);
  await exportCommand(call, "-");
}

/** Output as with `--json`, kept. */
function writtenTo(printed: string[]) {
  const stream = {
    isTTY: false,
    write: (text: string) => printed.push(text) > 0,
  } as unknown as NodeJS.WriteStream;
  return createOutput(true, { stdout: stream, stderr: stream, env: {} });
}
