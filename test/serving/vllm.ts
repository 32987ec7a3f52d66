/**
 * Adapters at a real vLLM on CPUs, asked for by name: `node test/serving/vllm.ts`. Installs 3.4 GB once.
 *
 * Prints a table of what was asked and the log-probability of the first token, in nats. The exit code is 1 if a row is
 * not as expected. First tokens are compared and not texts: in bf16 a longer greedy text depends on what else is in the
 * batch.
 */
import type { Adapter, RemoteAdapter } from "../../src/adapter/adapter.ts";
import { adapterOf } from "../../src/adapter/exchange/block-vector.ts";
import { steeringFields } from "../../src/adapter/exchange/vllm-lens.ts";
import type { Model } from "../../src/engine.ts";
import { type ModelOptions, openaiModel } from "../../src/engines/openai/index.ts";
import { isTaskMemError } from "../../src/errors.ts";
import { seededRandom } from "../../src/util/random.ts";
import { startVllm, versions } from "./vllm-server.ts";

const log = (line: string) => process.stderr.write(`${line}\n`);
const width = 576;
const block = 14;
/** The same request twice differs by no more, in nats; another adapter by far more. */
const sameWithin = 0.02;

/** The log-probability and the text of the first token. */
interface First {
  readonly logprob: number;
  readonly text: string;
}
const isSame = (a: First, b: First) => a.text === b.text && Math.abs(a.logprob - b.logprob) <= sameWithin;
const said = ({ logprob, text }: First) => `${logprob.toFixed(3)} ${JSON.stringify(text)}`;

const short = "Write one sentence about what Anna did with the red key in the kitchen yesterday.";
const rooms = Array.from(
  { length: 60 },
  (_, item) => `Item ${item}: box ${item * 7} stands in room ${item % 7}.`,
);
/** A prompt of its own, long enough for whole blocks of the prefix cache. */
const long = (run: string) =>
  `Run ${run}. The family keeps a list. ${rooms.join(" ")} Which box did you like?`;

async function first(model: Model, prompt: string, adapter: Adapter | null = null): Promise<First> {
  const { completions } = await model.generate({
    ...{ parts: [{ type: "text", text: prompt }], adapter, logprobs: true },
    sampling: { temperature: 0, maxTokens: 1 },
  });
  const { text, tokens } = completions[0]!;
  if (tokens === null) throw new Error("vLLM gave no log-probabilities");
  return { text, logprob: tokens.logprobs[0]! };
}

function vector(seed: string, dimension = width, at = block): Adapter {
  const random = seededRandom(seed);
  const values = Float32Array.from({ length: dimension }, () => random() - 0.5);
  const length = Math.hypot(...values);
  return adapterOf({ block: at, values: values.map((value) => (30 * value) / length) }, "smol");
}

const lora = (uri: string): RemoteAdapter => ({
  ...{
    kind: "remote",
    revision: `r-${uri.split("/").at(-1)}`,
    space: "weights:smol",
    format: "lora",
    norm: null,
    uri,
  },
});

const rows: { readonly what: string; readonly got: string; readonly isExpected: boolean }[] = [];
function row(what: string, got: string, isExpected: boolean): void {
  rows.push({ what, got, isExpected });
  log(`${isExpected ? "ok " : "NOT"} ${what}: ${got}`);
}

/** Each of a batch as it is alone. */
async function together(
  what: string,
  ask: (adapter: Adapter | null) => Promise<First>,
  adapters: (Adapter | null)[],
) {
  const alone = new Map<Adapter | null, First>();
  for (const adapter of new Set(adapters)) alone.set(adapter, await ask(adapter));
  const distinct = [...alone.values()];
  const differ = distinct.every((a, i) => distinct.slice(i + 1).every((b) => !isSame(a, b)));
  row(`${what}, one by one`, distinct.map(said).join(" · "), differ);
  const answers = await Promise.all(adapters.map(ask));
  const isClean = answers.every((answer, i) => isSame(answer, alone.get(adapters[i]!)!));
  row(
    `${what}, ${adapters.length} in one batch`,
    isClean ? "each as alone" : answers.map(said).join(" · "),
    isClean,
  );
}

async function refused(what: string, model: Model, adapter: Adapter): Promise<void> {
  const error = await first(model, short, adapter).then(
    () => null,
    (error: unknown) => error,
  );
  const got = isTaskMemError(error) ? `${error.code}: ${error.message.split(/[.:] /)[0]}` : String(error);
  row(what, got, isTaskMemError(error));
}

const server = await startVllm(log);
log(`vLLM ${versions.vllm} for CPUs listens after ${server.startSeconds.toFixed(0)} s`);
try {
  const open = (options: Partial<ModelOptions> = {}) =>
    openaiModel({ baseURL: server.baseURL, model: "smol", concurrency: 8, maxRetries: 0, ...options });
  const steered = open({ steering: "vllm-lens" });
  const [one, two] = [vector("one"), vector("two")];

  const nothing = steeringFields({ block, values: new Float32Array(width) }, "zero");
  const [none, zero] = [await first(open(), short), await first(open({ extraBody: { ...nothing } }), short)];
  row("no vector · one of scale 0", `${said(none)} · ${said(zero)}`, isSame(none, zero));
  await together("no vector, one, another", (adapter) => first(steered, short, adapter), [
    one,
    two,
    null,
    one,
    two,
    null,
  ]);
  await refused("a vector of width 100", steered, vector("narrow", 100));
  await refused("a vector of block 99", steered, vector("deep", width, 99));

  const run = String(Date.now());
  const fresh = (name: string) => first(open({ extraBody: { cache_salt: `reference ${name}` } }), long(name));
  const salted = `${run} salted`;
  await first(steered, long(salted), one);
  const [after, reference] = [await first(steered, long(salted)), await fresh(salted)];
  row(
    "with a vector, then without, same prompt",
    `${said(after)} · fresh ${said(reference)}`,
    isSame(after, reference),
  );
  const bare = `${run} bare`;
  const { vllm_xargs } = steeringFields(
    { block, values: Float32Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1.25 : -1.25)) },
    "unused",
  );
  await first(open({ extraBody: { vllm_xargs } }), long(bare));
  const [leaked, clean] = [await first(open(), long(bare)), await fresh(bare)];
  row(
    "the same without a cache salt: leaks",
    `${said(leaked)} · fresh ${said(clean)}`,
    !isSame(leaked, clean),
  );

  const named = open({ steering: "lora-name" });
  const [la, lb] = [lora("la"), lora(server.secondLora)];
  await together("no LoRA, one by name, one by path", (adapter) => first(named, short, adapter), [
    null,
    null,
    la,
    lb,
  ]);
  await refused("a LoRA that it does not hold", named, lora("lc"));
} finally {
  await server.stop();
}
process.stdout.write("| Asked | First token | As expected |\n|---|---|---|\n");
for (const { what, got, isExpected } of rows)
  process.stdout.write(`| ${what} | ${got} | ${isExpected ? "yes" : "no"} |\n`);
process.exitCode = rows.every(({ isExpected }) => isExpected) ? 0 : 1;
