/**
 * Records exchanges again: `node test/support/record-exchanges.ts [file…]`.
 *
 * Without files, all of `test/exchanges/llama-server` that are not documented ones, each from a llama-server that is
 * started as the file says. `--base-url http://…/v1 --server "vLLM 0.30.0"` records the files from a server that runs.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type ExchangeFile, makeCalls, recordingFetch } from "./exchanges.ts";
import { findLlama, type Llama, type LlamaOptions, wheel } from "./llama-server.ts";
import { testCache } from "./python.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "base-url": { type: "string" }, server: { type: "string" } },
});
const running = values["base-url"];
const llama = running === undefined ? await findLlama() : null;
if (llama && "skip" in llama) throw new Error(llama.skip);

const folder = resolve(import.meta.dirname, "../exchanges/llama-server");
const files = positionals.length > 0 ? positionals : readdirSync(folder).map((name) => join(folder, name));
for (const file of files) {
  const recorded = JSON.parse(readFileSync(file, "utf8")) as ExchangeFile;
  if (positionals.length === 0 && recorded.from !== "recorded") continue;
  const fresh = llama ? await fromLlama(recorded, llama) : await record(recorded, running!, values.server);
  writeFileSync(file, `${JSON.stringify(fresh, null, 2)}\n`);
  process.stdout.write(`${file}: ${fresh.exchanges.length} exchanges\n`);
}
execFileSync("npx", ["--no-install", "biome", "format", "--write", ...files]);

async function fromLlama(recorded: ExchangeFile, { start }: Llama): Promise<ExchangeFile> {
  const server = await start(recorded.start as LlamaOptions | undefined);
  try {
    return await record(recorded, server.baseURL, `llama-server of ${wheel.replace("==", " ")}`);
  } finally {
    await server.stop();
  }
}

async function record(
  recorded: ExchangeFile,
  baseURL: string,
  server = recorded.server,
): Promise<ExchangeFile> {
  const { fetch, exchanges } = recordingFetch();
  await makeCalls(recorded, new URL(baseURL).origin, fetch);
  const kept = JSON.parse(JSON.stringify(exchanges), (_, value) => small(value));
  return { ...recorded, server, from: "recorded", exchanges: kept };
}

/** A string without places of this machine, and without what makes it long (a chat template). */
function small(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.replaceAll(testCache, "");
  return text.length > 300 && !text.startsWith("data: ") ? `${text.slice(0, 300)}…` : text;
}
