/**
 * Records exchanges again: `node test/support/record-exchanges.ts [file…]`.
 *
 * Without files, all of `test/exchanges/llama-server` that are not documented ones, each from a llama-server that is
 * started as the file says. `--vllm` records all of `test/exchanges/vllm` from a vLLM for CPUs (`test/serving`), and
 * `--base-url http://…/v1 --server "SGLang 0.5"` the files from a server that runs.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startVllm, versions } from "../serving/vllm-server.ts";
import { type ExchangeFile, makeCalls, recordingFetch } from "./exchanges.ts";
import { findLlama, type Llama, type LlamaOptions, wheel } from "./llama-server.ts";
import { testCache } from "./python.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "base-url": { type: "string" }, server: { type: "string" }, vllm: { type: "boolean" } },
});
const log = (line: string) => process.stderr.write(`${line}\n`);
const vllm = values.vllm ? await startVllm(log) : null;
const running = vllm?.baseURL ?? values["base-url"];
const name = vllm ? `vLLM ${versions.vllm} for CPUs` : values.server;
const llama = running === undefined ? await findLlama() : null;
if (llama && "skip" in llama) throw new Error(llama.skip);

const folder = resolve(import.meta.dirname, "../exchanges", vllm ? "vllm" : "llama-server");
const files = positionals.length > 0 ? positionals : readdirSync(folder).map((name) => join(folder, name));
try {
  for (const file of files) {
    const recorded = JSON.parse(readFileSync(file, "utf8")) as ExchangeFile;
    if (positionals.length === 0 && !vllm && recorded.from !== "recorded") continue;
    const fresh = llama ? await fromLlama(recorded, llama) : await record(recorded, running!, name);
    writeFileSync(file, `${JSON.stringify(fresh, null, 2)}\n`);
    process.stdout.write(`${file}: ${fresh.exchanges.length} exchanges\n`);
  }
} finally {
  await vllm?.stop();
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
