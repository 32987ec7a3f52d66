// A worker without torch that speaks the protocol of worker.py, and misbehaves as its prompts ask.
//
// Its model writes two memories in turn, `soup` (ids 1, 2, 3) and `lamp` (4, 2, 3), or one alone where its folder ends in it. What it trains is one number x: the
// log-probability of id 1 is x − 1, of id 4 it is −x − 1, of any other −1; `step` moves x by rate × gradient. A message that begins with a word of `mischief` does it
// once in the life of the file that the first argument names, or at every start where the argument is `always`.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const once = process.argv[2];
const prompts = new Map();
const prefixes = new Map();
const place = { block: 1, at: "all" };
let value = 0;
let gradient = 0;
let drawn = 0;
let always = null;
let said = 0;
let device = "none";
const colours = "red green blue white black brown grey pink orange yellow golden silver".split(" ");

const float32s = (numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
const int32s = (numbers) => Buffer.from(Int32Array.from(numbers).buffer).toString("base64");
const idsOf = (text) => new Int32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const slopeOf = (id) => (id === 1 ? 1 : id === 4 ? -1 : 0);
const logprobOf = (id, x) => slopeOf(id) * x - 1;
const numbersOf = (text) => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);

const mischief = {
  crash: () => {
    process.stdout.write('{"id": 3, "resu');
    process.stdout.write("", () => process.kill(process.pid, "SIGKILL"));
  },
  garbage: () => process.stdout.write("Loading weights: 100%\n"),
  silence: () => {},
  memory: ({ id }) => say({ id, error: { code: "out-of-memory", message: "no room", retryable: false } }),
  nonsense: ({ id }) => say({ id, result: { completions: "none" } }),
};

function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function isDue(name) {
  if (once === "always") return true;
  if (existsSync(once) && readFileSync(once, "utf8").includes(name)) return false;
  appendFileSync(once, name);
  return true;
}

const opened = () => ({
  ...{
    model: "stub",
    architecture: "stub",
    block: place.block,
    blocks: 4,
    at: place.at,
    width: 1,
    vocabulary: 4,
    parameters: 4,
    trained: 1,
    contextTokens: null,
  },
  can: { images: false, keepsStream: true, packsAnswers: true },
  ...{ device, dtype: "float32", versions: {} },
});

const operations = {
  open: ({ model = "", train = {}, device: asked }) => {
    if (asked === "cuda") device = "cuda:0";
    always = model.endsWith("-soup") ? 0 : model.endsWith("-lamp") ? 1 : null;
    Object.assign(place, train);
    return opened();
  },
  context: ({ context, messages, prefix = "" }) => {
    prompts.set(context, messages[0].parts[0].text);
    prefixes.set(context, prefix);
    return { tokens: 5 };
  },
  drop: ({ contexts }) => {
    for (const name of contexts) prompts.delete(name);
    return {};
  },
  sample: ({ contexts, n, adapter }) => ({
    completions: contexts.map((context) => {
      const x =
        adapter === null ? 0 : adapter === "trained" ? value : adapter.scale * numbersOf(adapter.values)[0];
      drawn += 1;
      const turn = (i) => always ?? (x > 0.1 ? 0 : (i + (n === 1 ? drawn : 0)) % 2);
      return Array.from({ length: n }, (_, i) => {
        const [noun, ids] = turn(i) === 0 ? ["soup", [1, 2, 3]] : ["lamp", [4, 2, 3]];
        const pair = [said % colours.length, Math.floor(said++ / colours.length) % colours.length];
        const [first, second] = pair.map((i) => colours[i]);
        const whole = `{"description": "Ann talks about the ${first} and ${second} ${noun}."}`;
        const prefix = prefixes.get(context);
        const text = whole.startsWith(prefix) ? whole.slice(prefix.length) : whole;
        const logprobs = float32s(ids.map((id) => logprobOf(id, x)));
        return { text, tokens: [noun, " ", "."], ids: int32s(ids), logprobs, finish: "stop" };
      });
    }),
  }),
  // Of texts that it did not draw it knows whether they name the soup; the third id makes them longer than its own.
  encode: ({ texts }) => ({
    answers: texts.map((text) => ({
      ...{ ids: int32s([text.includes("soup") ? 1 : 4, 2, 2, 3]), tokens: [text, " ", " ", "."] },
    })),
  }),
  logprobs: ({ samples, adapter }) => ({
    logprobs: samples.map(({ ids }) => {
      const x =
        adapter === null ? 0 : adapter === "trained" ? value : adapter.scale * numbersOf(adapter.values)[0];
      return float32s([...idsOf(ids)].map((id) => logprobOf(id, x)));
    }),
  }),
  train: ({ train }) => {
    Object.assign(place, { block: 1, at: "all" }, train);
    operations.reset();
    return opened();
  },
  calibrate: () => ({ values: float32s([0.5, 0.25]), mean: 1, deviation: 0 }),
  streamnorm: () => ({ mean: 10, median: 10 }),
  block: (asked) => {
    Object.assign(place, asked);
    return operations.reset();
  },
  // Its samples agree on a direction behind block 2 above all.
  agreement: () => ({
    blocks: [null, ...[0.1, 0.6, 0.3].map((cosine) => ({ cosine, norms: [1, 1] }))],
  }),
  reset: () => {
    value = 0;
    gradient = 0;
    return {};
  },
  accumulate: ({ samples, weights }) => {
    for (const [i, text] of weights.entries()) {
      const ids = idsOf(samples[i].ids);
      for (const [t, weight] of numbersOf(text).entries()) gradient += weight * slopeOf(ids[t]);
    }
    return {};
  },
  step: ({ learningRate }) => {
    const norm = Math.abs(gradient);
    value -= learningRate * gradient;
    gradient = 0;
    return { gradientNorm: norm, updateNorm: learningRate * norm, norm: Math.abs(value) };
  },
  set: ({ values }) => {
    value = numbersOf(values)[0];
    return {};
  },
  snapshot: () => ({ values: float32s([value]) }),
  gradient: () => ({ values: float32s([gradient]) }),
  save: ({ path }) => {
    writeFileSync(path, JSON.stringify({ value, gradient }));
    return { path, revision: "stub" };
  },
  export: ({ path }) => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "weights.json"), JSON.stringify({ value }));
    return { path, revision: `stub-${value}` };
  },
  lora: () => {
    throw new Error("the stub has no linear layers");
  },
  load: ({ path }) => {
    ({ value, gradient } = JSON.parse(readFileSync(path, "utf8")));
    return {};
  },
};

function answerTo(op, fields) {
  try {
    return { result: operations[op](fields) };
  } catch ({ message }) {
    return { error: { code: "other-adapter", message, retryable: false } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, ...fields } = JSON.parse(line);
  const named = [...(fields.contexts ?? []), ...(fields.samples ?? []).map(({ context }) => context)];
  const missing = named.find((name) => !prompts.has(name));
  const said = prompts.get(named[0])?.split(" ") ?? [];
  if (missing && op !== "drop") {
    say({ id, error: { code: "unknown-context", message: `no context ${missing}`, retryable: false } });
  } else if (said[1] === op && isDue(said[0])) mischief[said[0]]({ id });
  else if (operations[op]) say({ id, ...answerTo(op, fields) });
  else say({ id, error: { code: "bad-request", message: `no operation ${op}`, retryable: false } });
}
