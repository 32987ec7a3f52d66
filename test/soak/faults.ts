/**
 * An endpoint that fails in the middle of a stream, in many ways. Whatever it does, the same command later remembers
 * every clip, none twice, and the key it was sent is in no byte of memory, exports, logs and output.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type CliRun, taskmem } from "../support/cli.ts";
import { inventedSubtitles } from "../support/media.ts";
import { filesHolding } from "../support/memory.ts";
import { startOpenAiServer } from "../support/openai-server.ts";
import type { SoakRow } from "./table.ts";

/** The key that must be nowhere. */
export const canaryKey = "sk-Zanzibar/Kanarie+4711==";
/** The key as bytes may hold it: as it is, in a URL, and in base64 alone or after `Bearer `, without what padding changes. */
const forms = [
  canaryKey,
  encodeURIComponent(canaryKey),
  ...["", "Bearer "].map((before) =>
    Buffer.from(before + canaryKey)
      .toString("base64")
      .slice(12, -4),
  ),
];

/** How one request is failed; `key` is the header it came with. */
type Fail = (response: ServerResponse, key: string) => void;

const json = { "content-type": "application/json" };
const chat = (content: unknown, more: object = {}) => ({
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  ...more,
});
const says =
  (body: unknown, status = 200, headers: Record<string, string> = json): Fail =>
  (response) => {
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
/** A refusal that repeats the key, as hosted servers do. */
const refuses =
  (status: number, message = "refused", headers: Record<string, string> = {}): Fail =>
  (response, key) => {
    response.writeHead(status, { ...json, ...headers });
    response.end(
      JSON.stringify({ error: { message: `${message} (sent: ${key})`, type: "error", code: null } }),
    );
  };

/** Every kind of failure, by name. */
export const faults: Readonly<Record<string, Fail>> = {
  ...Object.fromEntries(
    [
      400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 425, 429, 451, 500, 501, 502, 503, 504,
      529,
    ].map((status) => [`status ${status}`, refuses(status)]),
  ),
  "429 with retry-after": refuses(429, "slow down", { "retry-after": "0" }),
  "429 of a spent quota": (response, key) => {
    response.writeHead(429, json);
    const error = { message: `You exceeded your current quota ${key}`, code: "insufficient_quota" };
    response.end(JSON.stringify({ error }));
  },
  "no answer": () => {},
  "an answer that stops after its head": (response) => {
    response.writeHead(200, json);
    response.write('{"id":');
  },
  "a connection that is closed at once": (response) => response.socket?.destroy(),
  "a connection that is lost in the body": (response) => {
    response.writeHead(200, { ...json, "content-length": "1000" });
    response.write('{"id":"c","choices":[', () => response.socket?.destroy());
  },
  "an empty body": says(""),
  "a page in HTML": (response, key) =>
    says(`<html><body>Sign in. ${key}</body></html>`, 200, { "content-type": "text/html" })(response, key),
  "half of JSON": says('{"id":"c","choices":[{"ind'),
  "another JSON": says({ object: "list", data: [] }),
  null: says("null"),
  "a list": says("[]"),
  "no choices": says({ ...chat("x"), choices: [] }),
  "choices that are null": says({ ...chat("x"), choices: null }),
  "a message that is null": says({
    ...chat("x"),
    choices: [{ index: 0, message: null, finish_reason: "stop" }],
  }),
  "a content that is null": says(chat(null)),
  "an empty text": says(chat("")),
  "only blanks": says(chat(" \n\t ")),
  "an apology": says(chat("I'm sorry, but I can't help with that.")),
  "a text cut at its length": (response, key) =>
    says({
      ...chat('{"description": "Mira puts the ket'),
      choices: [
        {
          index: 0,
          finish_reason: "length",
          message: { role: "assistant", content: '{"description": "Mira puts the ket' },
        },
      ],
    })(response, key),
  "a filtered text": (response, key) =>
    says({
      ...chat(""),
      choices: [{ index: 0, finish_reason: "content_filter", message: { role: "assistant", content: "" } }],
    })(response, key),
  "the key in another JSON": (response, key) =>
    says({ debug: { headers: { authorization: key } } })(response, key),
  "the key in an error of status 200": (response, key) =>
    says({ error: { message: `bad ${key}` } })(response, key),
  "the key, packed": (response, key) => {
    response.writeHead(200, { ...json, "content-encoding": "gzip" });
    response.end(gzipSync(JSON.stringify({ sent: key })));
  },
  "the key in base64": (response, key) => says({ sent: Buffer.from(key).toString("base64") })(response, key),
  "a redirect to another host": (response) => {
    response.writeHead(307, { location: "http://127.0.0.2:9/v1/chat/completions" });
    response.end();
  },
  "a redirect in a circle": (response) => {
    response.writeHead(307, { location: "/v1/chat/completions" });
    response.end();
  },
  "a body that does not end": (response) => {
    response.writeHead(200, json);
    const chunk = " ".repeat(2 ** 20);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
      response.once("drain", more);
    };
    more();
  },
  "wrong bytes": (response) => {
    response.writeHead(200, json);
    response.end(Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]));
  },
  "a wrong compression": (response) => {
    response.writeHead(200, { ...json, "content-encoding": "gzip" });
    response.end("no gzip");
  },
};

interface Front {
  readonly url: string;
  fail: Fail | null;
  /** Chats that are answered before it fails. */
  good: number;
  readonly server: Server;
}

/** A server before a sound one: it passes requests on, and fails them after some. */
async function startFront(target: string): Promise<Front> {
  const server = createServer((message, response) => {
    answer(message, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const front: Front = { url: `http://127.0.0.1:${port}/v1`, fail: null, good: 0, server };
  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await message.toArray());
    const isChat = message.url!.endsWith("/chat/completions");
    if (isChat && front.fail !== null && front.good-- <= 0)
      return front.fail(response, message.headers.authorization ?? "");
    const passed = await fetch(new URL(message.url!, target), {
      method: message.method!,
      headers: { "content-type": message.headers["content-type"] ?? "" },
      ...(message.method !== "GET" && { body }),
    });
    response.writeHead(passed.status, json);
    response.end(Buffer.from(await passed.arrayBuffer()));
  }
  return front;
}

const clips = 12;
const goodChats = 4;

/** Watches a stream while the endpoint fails in each of these ways, then once more when it works again. */
export async function endpointFaults(
  names: readonly string[] = Object.keys(faults),
  log: (line: string) => void = () => {},
): Promise<SoakRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-faults-"));
  const sound = await startOpenAiServer({ models: ["m"] });
  const front = await startFront(sound.baseURL);
  const rows: SoakRow[] = [];
  try {
    for (const [i, name] of names.entries()) {
      const place = join(folder, String(i));
      mkdirSync(place);
      front.fail = faults[name]!;
      front.good = goodChats;
      rows.push(await oneFault(name, place, front));
      log(`${name}: ${JSON.stringify(rows.at(-1))}`);
      rmSync(place, { recursive: true, force: true });
    }
  } finally {
    front.server.close();
    front.server.closeAllConnections();
    await sound.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

async function oneFault(name: string, place: string, front: Front): Promise<SoakRow> {
  const wrong: string[] = [];
  const memory = join(place, "memory");
  const source = join(place, "talk.srt");
  writeFileSync(source, inventedSubtitles(clips * 10, 4, name));
  const config = join(place, "taskmem.config.json");
  const model = { baseUrl: front.url, model: "m", timeoutSeconds: 1, maxRetries: 1, concurrency: 1 };
  writeFileSync(config, JSON.stringify({ memory, policy: "model", model, languages: [] }));
  const printed: string[] = [];
  const run = async (...args: string[]): Promise<CliRun> => {
    const env = { TASKMEM_API_KEY: canaryKey, TASKMEM_LOG: join(place, "log.jsonl") };
    const done = await taskmem([...args, "--config", config, "--json"], { cwd: place, env });
    printed.push(done.stdout, done.stderr);
    if (done.code === null || done.code === 1)
      wrong.push(`${args[0]} ended with ${done.code}: ${done.stderr}`);
    return done;
  };
  const failed = await run("watch", source, "--verbose");
  await run("export", join(place, "export"));
  front.fail = null;
  // What was refused for good, one clip at a time, is asked again by name.
  const healed = await run("watch", source, "--retry-failed");
  const timeline = await run("timeline");
  await run("doctor");

  for (const form of forms) {
    for (const path of filesHolding(place, form)) wrong.push(`${form} is in ${path}`);
    if (printed.some((text) => text.includes(form))) wrong.push(`${form} was printed`);
  }
  const ended = healed.rows.at(-1);
  if (ended?.event !== "stream-end" || healed.code !== 0)
    wrong.push(
      `the second run ended with ${healed.code}: ${JSON.stringify(ended)} ${healed.stderr.slice(-300)}`,
    );
  const kept = timeline.rows.filter(({ kind }) => kind !== "floor");
  const remembered = new Set(kept.map(({ clip }) => clip));
  const acknowledged = [...failed.rows, ...healed.rows].filter(({ event }) => event === "clip-end");
  const ids = acknowledged.flatMap(({ entries }) => (entries as { id: string }[]).map(({ id }) => id));
  const there = new Set(kept.map(({ id }) => id));
  const gone = ids.filter((id) => !there.has(id));
  const texts = new Set(kept.map(({ clip, text }) => `${clip} ${text}`));
  return {
    kind: `endpoint: ${name}`,
    runs: 1,
    lost: clips - remembered.size + gone.length,
    twice: ids.length - new Set(ids).size + (kept.length - texts.size),
    deaths: wrong.filter((text) => text.includes("ended with null")).length,
    wrong,
  };
}
