/** `doctor` tells a model that works from set-ups that do not, each with one sentence that says what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Row, taskmem } from "./support/cli.ts";
import { temporaryFolder } from "./support/memory.ts";
import {
  type Fault,
  type ServerOptions,
  type ServerRequest,
  startOpenAiServer,
} from "./support/openai-server.ts";

const memory = temporaryFolder("doctor");

/** What a model that obeys and sees would say; whatever else is asked, the server answers by itself. */
function obedient({ text, pictures, body }: ServerRequest): Fault | undefined {
  const format = JSON.stringify(body.response_format ?? "");
  if (text.includes("Answer with one word")) return content("Blue.");
  if (format.includes('"colour"')) return content('{"colour": "green"}');
  const [red, , blue] = pictures[0]?.colour ?? [0, 0, 0];
  const isHalfRed = Math.abs(red - 127) < 20 && Math.abs(blue - 127) < 20;
  if (format.includes('"upper"')) return content(isHalfRed ? '{"upper": "red", "lower": "blue"}' : "{}");
  return undefined;
}

const content = (said: string): Fault => ({ kind: "content", content: said });

/** What a server answers that thinks until its room is spent. */
function endlessThinking({ body }: ServerRequest): Fault {
  const message = {
    role: "assistant",
    content: "",
    reasoning_content: "Hmm, the user wants a word. ".repeat(8),
  };
  const choices = [{ index: 0, message, finish_reason: "length" }];
  const usage = { prompt_tokens: 20, completion_tokens: Number(body.max_tokens) };
  return { kind: "body", body: { choices, usage } };
}

interface SetUp {
  readonly server?: Partial<ServerOptions>;
  readonly flags?: readonly string[];
  /** Exit code of `doctor`. */
  readonly code: number;
  /** The check that tells it, with its detail and what to do. */
  readonly check: string;
  readonly detail: RegExp;
  readonly fix: RegExp;
  readonly verdict: RegExp;
}

const wrong: Record<string, SetUp> = {
  "a model without eyes": {
    server: { refuses: ["images"] },
    code: 0,
    check: "model pictures",
    detail: /^the model takes no pictures: only texts can be watched$/,
    fix: /serve a model that sees .*--mmproj.*--policy choice/,
    verdict: /^yes, but the model takes no pictures/,
  },
  "a model that is sent pictures and does not see them": {
    server: {
      faults: (request) =>
        request.pictures.length > 0 && JSON.stringify(request.body).includes('"upper"')
          ? content('{"upper": "blue", "lower": "green"}')
          : obedient(request),
    },
    code: 2,
    check: "model pictures",
    detail: /does not see that one is red above and blue below: .*green/,
    fix: /vision part that belongs to it/,
    verdict: /^no, because of model pictures: the model takes pictures and does not see/,
  },
  "a base model": {
    server: {
      faults: (request) =>
        request.text.includes("Answer with one word")
          ? content(`${request.text}<|im_end|>\n<|im_start|>assistant\n${request.text}`)
          : undefined,
    },
    code: 2,
    check: "model instructions",
    detail: /does not answer but continues the text, as a base model does/,
    fix: /instruction-tuned variant/,
    verdict: /^no, because of model instructions/,
  },
  "a wrong name": {
    server: { models: ["gemma-3-4b-it", "Qwen3-VL-8B-Instruct"] },
    flags: ["--model", "qwen3-vl"],
    code: 2,
    check: "model",
    detail: /The model qwen3-vl does not exist.* It serves gemma-3-4b-it, Qwen3-VL-8B-Instruct/,
    fix: /^--model Qwen3-VL-8B-Instruct$/,
    verdict: /^no, because of model: .*does not exist/,
  },
  "a tiny context": {
    server: { card: { max_model_len: 900 } },
    code: 2,
    check: "model limits",
    detail: /^a context of 900 tokens, too few: a prompt with one picture and its answer take about 1\d{3}$/,
    fix: /llama-server -c 16384.*--max-model-len 16384/,
    verdict: /^no, because of model limits: a context of 900 tokens, too few/,
  },
  "a context that holds some pictures of a window": {
    server: { card: { max_model_len: 4096 } },
    code: 0,
    check: "model limits",
    detail: /^a context of 4096 tokens, which hold about \d\d of the 50 pictures of a window$/,
    fix: /--max-model-len 16384/,
    verdict: /^yes, but a context of 4096 tokens, which hold about/,
  },
  "thinking that never ends": {
    server: { faults: endlessThinking },
    code: 2,
    check: "model thinking",
    detail: /does not stop thinking within 2048 tokens/,
    fix: /^--thinking off$/,
    verdict: /^no, because of model thinking/,
  },
  "one slot for many samples": {
    server: { props: { total_slots: 1, default_generation_settings: { n_ctx: 32768 } } },
    flags: ["--policy", "best-of-n"],
    code: 0,
    check: "model limits",
    detail: /one request at a time: each sample is drawn by itself/,
    fix: /llama-server --parallel 4, with four times the -c/,
    verdict: /^yes, but a context of 32768 tokens, one request at a time/,
  },
  "a refused key": {
    server: { apiKey: "right" },
    code: 2,
    check: "model",
    detail: /refused the key \(401\): set TASKMEM_API_KEY to one it accepts/,
    fix: /^export TASKMEM_API_KEY=/,
    verdict: /^no, because of model: .*set TASKMEM_API_KEY/,
  },
};

for (const [name, { server: options, flags = [], code, ...expected }] of Object.entries(wrong))
  test(`${name} is told, with what to do`, async (t) => {
    const run = await doctor(t, options, flags);
    const check = run.rows.find((row) => row.check === expected.check)!;
    assert.match(String(check.detail), expected.detail);
    assert.match(String(check.fix), expected.fix);
    const verdict = run.rows.at(-1)!;
    assert.equal(verdict.check, "watch");
    assert.match(String(verdict.detail), expected.verdict);
    assert.equal(run.code, code, run.stderr);
  });

test("a model that obeys, sees and writes passes every check", async (t) => {
  const { rows, code } = await doctor(t);
  const model = rows.filter(({ check }) => String(check).startsWith("model"));
  // How fast it is depends on this machine.
  const speed = model.pop()!;
  assert.match(
    String(speed.detail),
    /^the model reads [\d.]+ and writes [\d.]+ tokens a second: about [\d.]+ s for the memory of a clip of 10 s$/,
  );
  assert.deepEqual(
    model.map(({ check, state }) => `${check}: ${state}`),
    ["", " name", " limits", " thinking", " instructions", " JSON", " pictures", " memory"].map(
      (part) => `model${part}: ok`,
    ),
  );
  assert.match(
    String(model.at(-1)!.detail),
    /^the model wrote of a made-up clip: ".*suitcase.*" \(\d+\.\d s, /,
  );
  assert.match(String(rows.at(-1)!.detail), /^yes, but .*what is heard is not transcribed/);
  assert.equal(code, 0);
});

test("without --json the last line answers whether watch will work", async (t) => {
  const server = await startOpenAiServer({ models: ["eyes"], faults: obedient, refuses: ["images"] });
  t.after(() => server.close());
  const run = await taskmem(["doctor", "--memory", memory, "--base-url", server.baseURL, "--model", "eyes"]);
  assert.match(run.stdout, /\nwill `watch` work\? yes, but the model takes no pictures: only texts[^\n]*$/);
});

test("a folder of weights that is not there is told", async () => {
  const { rows, code } = await taskmem(["doctor", "--json", "--memory", memory, "--model", "no-such-folder"]);
  const detail = String(rows.find(({ check }) => check === "model")?.detail);
  assert.match(detail, /There is no folder no-such-folder.* give --base-url too/);
  assert.equal(code, 2);
});

async function doctor(
  t: { after(work: () => Promise<void>): void },
  options: Partial<ServerOptions> = {},
  flags: readonly string[] = [],
): Promise<{ rows: readonly Row[]; code: number | null; stderr: string }> {
  const server = await startOpenAiServer({ models: ["eyes"], faults: obedient, ...options });
  t.after(() => server.close());
  const given = ["--memory", memory, "--base-url", server.baseURL, "--model", "eyes", ...flags];
  return taskmem(["doctor", "--json", ...given], { env: { TASKMEM_API_KEY: "wrong" } });
}
