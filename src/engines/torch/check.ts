/**
 * What must hold of a worker and a model for training to be right, checked through the same calls that training makes.
 *
 * Each row is one invariant with the largest deviation found. In float32: with fewer digits sums in another order differ
 * by more than a broken invariant would.
 */
import { crc32, deflateSync } from "node:zlib";
import { EngineError } from "../../errors.ts";
import { seededRandom } from "../../util/random.ts";
import {
  type DrawnAnswer,
  openTorchEngine,
  type Prompt,
  type Steering,
  type TorchEngine,
  type TorchOptions,
  type TorchSample,
} from "./torch-engine.ts";

/** One invariant. */
export interface InvariantRow {
  readonly invariant: string;
  readonly ok: boolean;
  /** The largest deviation, in nats or relative to the norm of a gradient; `null` where it is a matter of yes or no. */
  readonly deviation: number | null;
}

const most = { logprob: 1e-3, gradient: 1e-3, slope: 2e-2 };
/** Kernels of another shape may turn a draw that was close. */
const mostTurned = 2;

const scenes = [
  "Two people talk by the stove. One says the soup is ready.",
  "A dog runs over the lawn, a child laughs.",
  "The room is empty; the radio plays and the kettle boils, then the door opens.",
];

/**
 * Opens the model and checks it, invariant by invariant.
 * @throws EngineError where the worker cannot open the model at all
 */
export async function* checkTorchModel(
  options: Omit<TorchOptions, "dtype">,
): AsyncGenerator<InvariantRow, void> {
  const engine = await openTorchEngine({ ...options, dtype: "float32" });
  try {
    yield* checkSampling(engine);
    yield* checkLogprobs(engine);
    yield* checkGradients(engine);
    yield* checkResuming(engine, options);
  } finally {
    engine.close();
  }
}

const greedy = { n: 1, temperature: 0, maxTokens: 24, seed: 0 };
const drawn = { n: 4, temperature: 1, maxTokens: 24, seed: "s" };

async function* checkSampling(engine: TorchEngine): AsyncGenerator<InvariantRow, void> {
  const prompts = promptsFor(engine);
  const { width } = engine.about;
  const plain = await engine.sample(prompts, greedy);
  const atZero = await engine.sample(prompts, greedy, { values: new Float32Array(width), scale: 1 });
  yield yesOrNo("a vector of zeros writes what none writes, to the last bit", same(plain, atZero));
  const large = await engine.sample(prompts, greedy, { values: noise(width), scale: 3 * Math.sqrt(width) });
  yield yesOrNo("a large vector writes something else", !same(plain, large));
  const once = await engine.sample(prompts, drawn);
  yield yesOrNo("one seed writes the same twice", same(once, await engine.sample(prompts, drawn)));
  const alone: DrawnAnswer[][] = [];
  for (const prompt of prompts) alone.push(...(await engine.sample([prompt], drawn)));
  const turned = once.flat().filter(({ ids }, i) => String(ids) !== String(alone.flat()[i]!.ids)).length;
  yield {
    invariant: `alone it writes what it writes beside others, but for ${mostTurned} of ${once.flat().length} texts`,
    ...{ ok: turned <= mostTurned, deviation: turned },
  };
}

async function* checkLogprobs(engine: TorchEngine): AsyncGenerator<InvariantRow, void> {
  const { width, can } = engine.about;
  const vector: Steering = { values: noise(width), scale: 0.5 };
  const { samples, logprobs: told } = await drawSamples(engine, drawn, null);
  const kept = await engine.logprobs(samples, null);
  const whole = await engine.logprobs(samples, null, { kept: false });
  yield within("log-probabilities told while sampling are those of the ids", told, whole);
  yield within("the stream that sampling kept gives those of the whole network", kept, whole);
  const steered = await engine.logprobs(samples, vector, { kept: false });
  yield within("the same with a vector", await engine.logprobs(samples, vector), steered);
  await engine.drop(promptsFor(engine));
  promptsFor(engine);
  const again = await engine.logprobs(samples, null);
  yield within("a stream that was computed again gives those of the whole network", again, whole);
  const withVector = await drawSamples(engine, { ...drawn, n: 2, seed: "t" }, vector);
  const ofIds = await engine.logprobs(withVector.samples, vector);
  yield within(
    "log-probabilities told while sampling with a vector are those of the ids",
    withVector.logprobs,
    ofIds,
  );
  const alone: Float32Array[] = [];
  for (const sample of samples) alone.push(...(await engine.logprobs([sample], null, { kept: false })));
  yield within("padding changes nothing", alone, whole);
  if (!can.images) return;
  const ids = samples[0]!.ids;
  const orders = [
    [0, 1],
    [1, 0],
  ].map((order) => ({ prompt: engine.name(promptOf(engine, 1, order)), ids }));
  const [first, second] = await engine.logprobs(orders, null);
  const difference = largest([first!], [second!]);
  yield { invariant: "the order of pictures matters", ok: difference > 1e-4, deviation: difference };
}

async function* checkGradients(engine: TorchEngine): AsyncGenerator<InvariantRow, void> {
  const { width } = engine.about;
  const { samples } = await drawSamples(engine, drawn, null);
  const weights = samples.map(({ ids }, i) => noise(ids.length, `weights ${i}`));
  await engine.set(shortNoise(width, 0));
  const gradientOf = async (parts: readonly (readonly [number, number])[], kept = true) => {
    const before = await engine.gradient();
    for (const [from, to] of parts)
      await engine.accumulate(samples.slice(from, to), weights.slice(from, to), { kept });
    return (await engine.gradient()).map((value, d) => value - before[d]!);
  };
  const whole = await gradientOf([[0, samples.length]]);
  const halves = await gradientOf([
    [0, 5],
    [5, samples.length],
  ]);
  yield relative("two halves have the gradient of the whole", halves, whole);
  const unkept = await gradientOf([[0, samples.length]], false);
  yield relative("the kept stream has the gradient of the whole network", whole, unkept);
  const sumAt = async (values: Float32Array) => {
    const scores = await engine.logprobs(samples, { values, scale: 1 });
    return scores.reduce((sum, score, i) => sum + score.reduce((s, x, t) => s + x * weights[i]![t]!, 0), 0);
  };
  let best = Infinity;
  // The routing between experts has steps; a point may lie on one, but not three.
  for (let point = 0; point < 3 && best >= most.slope; point++) {
    const at = shortNoise(width, point);
    await engine.set(at);
    const gradient = await gradientOf([[0, samples.length]]);
    const steepest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!));
    let worst = 0;
    for (const d of steepest.slice(0, 3))
      worst = Math.max(worst, await slopeError(sumAt, at, d, gradient[d]!));
    best = Math.min(best, worst);
  }
  yield {
    invariant: "the gradient of a coordinate is its finite difference",
    ...{ ok: best < most.slope, deviation: best },
  };
}

function shortNoise(width: number, point: number): Float32Array {
  return noise(width, `point ${point}`).map((value) => 0.1 * value);
}

/** The relative error of a slope at the best of three distances. */
async function slopeError(
  sumAt: (values: Float32Array) => Promise<number>,
  at: Float32Array,
  d: number,
  expected: number,
): Promise<number> {
  let best = Infinity;
  for (const distance of [2e-2, 4e-3, 1e-3]) {
    const value = (steps: number) => sumAt(at.map((x, i) => (i === d ? x + steps * distance : x)));
    const near = (await value(1)) - (await value(-1));
    const far = (await value(2)) - (await value(-2));
    const slope = (8 * near - far) / (12 * distance);
    best = Math.min(best, Math.abs(slope - expected) / Math.abs(expected));
  }
  return best;
}

async function* checkResuming(
  engine: TorchEngine,
  options: Omit<TorchOptions, "dtype">,
): AsyncGenerator<InvariantRow, void> {
  const { samples } = await drawSamples(engine, drawn, null);
  const weights = samples.map(({ ids }, i) => noise(ids.length, `weights ${i}`));
  const learn = async (of: TorchEngine, from: number) => {
    await of.accumulate(samples.slice(from, from + 4), weights.slice(from, from + 4));
    await of.step({ learningRate: 1e-2, maxGradientNorm: 1 });
    return of.snapshot();
  };
  await engine.set(new Float32Array(engine.about.width));
  await learn(engine, 0);
  const before = await engine.snapshot();
  const unknown = { prompt: "unknown", ids: Int32Array.of(1) };
  const refused = await engine.accumulate([unknown], [Float32Array.of(1)]).then(
    () => false,
    (error) => error instanceof EngineError && error.code === "worker-unknown-context",
  );
  yield yesOrNo(
    "an unknown prompt is refused and changes nothing",
    refused && largest([before], [await engine.snapshot()]) === 0,
  );
  await engine.accumulate(samples.slice(0, 2), weights.slice(0, 2));
  const path = engine.temporaryPath("state-of-check");
  await engine.save(path);
  await engine.accumulate(samples.slice(2, 4), weights.slice(2, 4));
  await engine.loseProcess();
  const afterLoss = await learn(engine, 4);
  const second = await openTorchEngine({ ...options, dtype: "float32" });
  try {
    promptsFor(second);
    await second.load(path);
    await second.accumulate(samples.slice(2, 4), weights.slice(2, 4));
    const afterLoad = await learn(second, 4);
    yield within(
      "a lost worker and one that loads what was saved take the same next step",
      [afterLoss],
      [afterLoad],
    );
  } finally {
    second.close();
  }
}

async function drawSamples(
  engine: TorchEngine,
  draw: typeof drawn,
  steering: Steering,
): Promise<{ samples: TorchSample[]; logprobs: Float32Array[] }> {
  const prompts = promptsFor(engine);
  const groups = await engine.sample(prompts, draw, steering);
  return {
    samples: groups.flatMap((group, i) => group.map(({ ids }) => ({ prompt: prompts[i]!, ids }))),
    logprobs: groups.flat().map(({ logprobs }) => logprobs),
  };
}

/** The names of three prompts of different lengths, with one to three pictures for a model that sees. */
function promptsFor(engine: TorchEngine): string[] {
  return scenes.map((_, i) => engine.name(promptOf(engine, i)));
}

function promptOf(engine: TorchEngine, scene: number, order = [0, 1, 2].slice(0, scene + 1)): Prompt {
  const pictures = engine.about.can.images ? order : [];
  return {
    messages: [
      {
        role: "user",
        parts: [
          ...pictures.map((i) => ({ type: "image" as const, data: png(...sizes[i]!, String(i)) })),
          { type: "text", text: `Write down what happens.\n${scenes[scene]}` },
        ],
      },
    ],
  };
}

const sizes: readonly (readonly [number, number])[] = [
  [64, 64],
  [96, 64],
  [64, 128],
];

/** A PNG of random squares of 16 × 16 pixels, as base64. */
export function png(width: number, height: number, seed: string): string {
  const random = seededRandom(`picture ${seed}`);
  const squares = Array.from({ length: (width / 16) * (height / 16) * 3 }, () => Math.floor(256 * random()));
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < 3 * width; x++) {
      const square = Math.floor(y / 16) * (width / 16) + Math.floor(x / 48);
      rows[y * (1 + 3 * width) + 1 + x] = squares[3 * square + (x % 3)]!;
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // eight bits, red, green and blue
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]).toString("base64");
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(8 + named.length);
  framed.writeUInt32BE(data.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), 4 + named.length);
  return framed;
}

/** Numbers of a normal distribution. */
function noise(count: number, seed = "noise"): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

function same(a: readonly DrawnAnswer[][], b: readonly DrawnAnswer[][]): boolean {
  const told = (answers: readonly DrawnAnswer[][]) =>
    JSON.stringify(answers.flat().map(({ ids, logprobs }) => [[...ids], [...logprobs]]));
  return told(a) === told(b);
}

function largest(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.flatMap((values, i) => [...values].map((value, t) => Math.abs(value - b[i]![t]!))));
}

function yesOrNo(invariant: string, ok: boolean): InvariantRow {
  return { invariant, ok, deviation: null };
}

function within(invariant: string, a: readonly Float32Array[], b: readonly Float32Array[]): InvariantRow {
  const deviation = largest(a, b);
  return { invariant, ok: deviation < most.logprob, deviation };
}

function relative(invariant: string, a: Float32Array, b: Float32Array): InvariantRow {
  const deviation = Math.hypot(...a.map((value, d) => value - b[d]!)) / Math.hypot(...b);
  return { invariant, ok: deviation < most.gradient, deviation };
}
