import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { Part } from "../../engine.ts";
import { type ModelOptions, openaiModel } from "./model.ts";

async function connected(
  t: TestContext,
  server: Partial<ServerOptions> = {},
  options: Partial<ModelOptions> = {},
) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", retryMs: 1, ...options });
  return { server: running, model, bodies: () => running.requests.map(({ body }) => body) };
}

const hello: Part = { type: "text", text: "Mira: hello there" };
const schema = {
  name: "note",
  schema: { type: "object", properties: { lines: { type: "array", items: { type: "string" } } } },
};

function jpeg(colour: string): Uint8Array {
  const canvas = createCanvas(64, 48);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 64, 48);
  return canvas.toBuffer("image/jpeg");
}

const clip: Part = {
  type: "video",
  frames: [
    { atSeconds: 0, jpeg: jpeg("#ff0000") },
    { atSeconds: 1, jpeg: jpeg("#0000ff") },
  ],
};

test("system, text and the frames of a clip arrive in reading order, pictures whole", async (t) => {
  const { server, model } = await connected(t);
  const { completions } = await model.generate({ system: "You keep notes.", parts: [hello, clip] });
  assert.match(completions[0]!.text, /2 pictures were shown.*Mira: hello there/);
  const [request] = server.requests;
  assert.equal(request!.text, "You keep notes.\nMira: hello there");
  const [red, blue] = request!.pictures;
  assert.deepEqual([red!.width, red!.height], [64, 48]);
  assert.ok(red!.colour[0] > 240 && red!.colour[2] < 15, String(red!.colour));
  assert.ok(blue!.colour[2] > 240 && blue!.colour[0] < 15, String(blue!.colour));
});

test("a base URL works with and without a slash at its end", async (t) => {
  const { server } = await connected(t);
  for (const baseURL of [server.baseURL, `${server.baseURL}/`]) {
    await openaiModel({ baseURL, model: "eyes", maxRetries: 0 }).generate({ parts: [hello] });
  }
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ["/v1/chat/completions", "/v1/chat/completions"],
  );
});

test("the request's sampling overrides the model's", async (t) => {
  const { model, bodies } = await connected(t, {}, { sampling: { temperature: 0.2, topP: 0.9, topK: 20 } });
  await model.generate({ parts: [hello], sampling: { temperature: 0.7, maxTokens: 50, seed: 3 } });
  const { temperature, top_p, top_k, max_tokens, seed } = bodies()[0]!;
  assert.deepEqual([temperature, top_p, top_k, max_tokens, seed], [0.7, 0.9, 20, 50, 3]);
});

test("the answer meets the schema where the endpoint enforces it", async (t) => {
  const { model } = await connected(t);
  const { completions } = await model.generate({ parts: [hello], schema });
  assert.match(JSON.parse(completions[0]!.text).lines[0], /hello there/);
});

test("lengths in a schema are left out where the endpoint refuses them, and the schema is kept", async (t) => {
  const { model, bodies } = await connected(t, { refuses: ["maxLength"] });
  const text = { type: "string", maxLength: 80 };
  const bounded = {
    name: "note",
    schema: { type: "object", properties: { lines: { type: "array", maxItems: 3, items: text } } },
  };
  for (let i = 0; i < 2; i++) {
    const { completions } = await model.generate({ parts: [hello], schema: bounded });
    assert.ok("lines" in JSON.parse(completions[0]!.text));
  }
  const sent = bodies().map(({ response_format }) => JSON.stringify(response_format));
  assert.equal(sent.length, 3, "refused once");
  assert.deepEqual(
    sent.map((format) => /maxLength|maxItems/.test(format)),
    [true, false, false],
  );
  assert.match(sent[2]!, /"items":\{"type":"string"\}/);
});

test("tokens of several samples are counted where the server reports one", async (t) => {
  const { server, model } = await connected(t);
  const choice = (content: string) => ({ message: { role: "assistant", content }, finish_reason: "stop" });
  const choices = [choice("a".repeat(400)), choice("b".repeat(200))];
  server.setFaults(() => ({
    kind: "body",
    body: { choices, usage: { prompt_tokens: 50, completion_tokens: 100 } },
  }));
  const { cost } = await model.generate({ parts: [hello], n: 2 });
  assert.deepEqual([cost.promptTokens, cost.completionTokens], [50, 150]);
});

test("log-probabilities come with their tokens where they are asked for, without alternatives", async (t) => {
  const { model, bodies } = await connected(t);
  const { completions } = await model.generate({ parts: [hello], logprobs: true });
  const { text, tokens } = completions[0]!;
  assert.equal(tokens!.texts.join(""), text);
  assert.deepEqual(
    [...tokens!.logprobs],
    tokens!.texts.map(() => -0.25),
  );
  const plain = await model.generate({ parts: [hello] });
  assert.equal(plain.completions[0]!.tokens, null);
  assert.deepEqual(
    bodies().map(({ logprobs, top_logprobs }) => [logprobs, top_logprobs]),
    [
      [true, 1],
      [undefined, undefined],
    ],
  );
});

test("ids of all sampled tokens and the prompt's handle are kept where the server returns them", async (t) => {
  const { server, model } = await connected(t);
  const choice = {
    message: { role: "assistant", content: "<think>Hm.</think>Yes." },
    finish_reason: "stop",
    logprobs: { content: [{ token: "Yes.", logprob: -0.5 }] },
    token_ids: [7, 9, 8, 3, 2],
  };
  const body = { id: "chatcmpl-1", prompt_token_ids: [1, 4], choices: [choice] };
  server.setFaults(() => ({ kind: "body", body }));
  const [completion] = (await model.generate({ parts: [hello], logprobs: true })).completions;
  // The thinking's tokens and the last one, which ended the answer, have ids and no text.
  assert.deepEqual(completion!.tokens!.ids, Int32Array.of(7, 9, 8, 3, 2));
  assert.deepEqual(completion!.handle, { response: "chatcmpl-1", promptIds: Int32Array.of(1, 4) });
  const { token_ids: _, ...older } = choice;
  server.setFaults(() => ({ kind: "body", body: { choices: [older] } }));
  const [plain] = (await model.generate({ parts: [hello], logprobs: true })).completions;
  assert.deepEqual(["ids" in plain!.tokens!, "handle" in plain!], [false, false]);
});

test("thinking is separated from the answer, with and without its opening tag", async (t) => {
  const { server, model } = await connected(t);
  for (const opening of ["<think>", ""]) {
    const content = `${opening}Is it green? It is.</think>\n\nThe door is green.`;
    server.setFaults(() => ({ kind: "content", content }));
    const { completions } = await model.generate({ parts: [hello] });
    assert.equal(completions[0]!.text, "The door is green.");
    assert.equal(completions[0]!.thinking, "Is it green? It is.");
  }
});

test("thinking that the server returns separately is kept, under either of its names", async (t) => {
  const { server, model } = await connected(t);
  for (const field of ["reasoning", "reasoning_content"]) {
    const message = { role: "assistant", content: "Yes.", [field]: "Let me see." };
    server.setFaults(() => ({ kind: "body", body: { choices: [{ message, finish_reason: "length" }] } }));
    const { completions, cost } = await model.generate({ parts: [hello] });
    assert.deepEqual(completions, [
      { text: "Yes.", thinking: "Let me see.", finish: "length", tokens: null },
    ]);
    assert.ok(cost.promptTokens > 0, "estimated where the server sends no usage");
  }
});

test("an empty answer is an answer, not an error", async (t) => {
  const { server, model } = await connected(t);
  server.setFaults(() => ({ kind: "content", content: "" }));
  const { completions } = await model.generate({ parts: [hello] });
  assert.equal(completions[0]!.text, "");
  assert.equal(server.requests.length, 1);
});

test("several samples are one call where the endpoint draws them together", async (t) => {
  const { server, model } = await connected(t);
  const { completions, cost } = await model.generate({ parts: [hello], n: 4, sampling: { seed: 7 } });
  assert.equal(completions.length, 4);
  assert.equal(server.requests.length, 1);
  assert.equal(cost.calls, 1);
});

test("samples an endpoint refuses to draw together are drawn one by one, with their own random seeds", async (t) => {
  const { model, bodies } = await connected(t, { refuses: ["n"] }, { sampling: { seed: 7 } });
  const { completions, cost } = await model.generate({ parts: [hello], n: 3 });
  assert.equal(completions.length, 3);
  assert.equal(cost.calls, 3);
  const [refused, ...drawn] = bodies();
  assert.equal(refused!.n, 3);
  assert.deepEqual(drawn.map(({ n, seed }) => [n, seed]).toSorted(), [
    [undefined, 7],
    [undefined, 8],
    [undefined, 9],
  ]);
  await model.generate({ parts: [hello], n: 2 });
  assert.ok(
    bodies()
      .slice(4)
      .every(({ n }) => n === undefined),
    "the refusal is remembered",
  );
});

test("samples that an endpoint silently leaves out are drawn one by one", async (t) => {
  const { server, model } = await connected(t);
  const body = { choices: [{ message: { content: "only one" }, finish_reason: "stop" }] };
  server.setFaults(() => ({ kind: "body", body }));
  const { completions } = await model.generate({ parts: [hello], n: 3 });
  assert.equal(completions.length, 3);
  assert.equal(server.requests.length, 3);
});

test("simultaneous requests all drop a feature that is refused to the first of them", async (t) => {
  const { model } = await connected(t, { refuses: ["n", "response_format", "logprobs"] });
  const request = { parts: [hello], n: 2, schema, logprobs: true };
  const answers = await Promise.all([1, 2, 3, 4].map(() => model.generate(request)));
  assert.deepEqual(
    answers.map(({ completions }) => completions.length),
    [2, 2, 2, 2],
  );
});

test("a schema an endpoint will not enforce is left to the prompt", async (t) => {
  const { model, bodies } = await connected(t, { refuses: ["response_format"] });
  const { completions } = await model.generate({ parts: [hello], schema });
  assert.match(completions[0]!.text, /hello there/);
  assert.deepEqual(
    bodies().map((body) => "response_format" in body),
    [true, false],
  );
});

test("the length limit goes by its later name where the first is refused", async (t) => {
  const { model, bodies } = await connected(t, { refuses: ["max_tokens"] });
  await model.generate({ parts: [hello], sampling: { maxTokens: 40 } });
  assert.equal(bodies()[1]!.max_completion_tokens, 40);
});

test("a clip is sent whole where the endpoint takes video, and as frames where it does not", async (t) => {
  const whole = await connected(t, {}, { video: "auto" });
  assert.match((await whole.model.generate({ parts: [hello, clip] })).completions[0]!.text, /2 pictures/);
  assert.match(JSON.stringify(whole.bodies()[0]), /"video_url"/);
  const frames = await connected(t, { refuses: ["video_url"] }, { video: "auto" });
  assert.match((await frames.model.generate({ parts: [hello, clip] })).completions[0]!.text, /2 pictures/);
  assert.equal((await frames.model.capabilities()).video, false);
});

for (const message of ["unsupported content[].type", "Invalid uri-encoded base64 value", "What is this?"])
  test(`video that was never taken is given up, whatever the refusal says: ${message}`, async (t) => {
    const { server, model, bodies } = await connected(t, {}, { video: "auto" });
    const isVideo = (body: object) => JSON.stringify(body).includes('"video_url"');
    server.setFaults(({ body }) => (isVideo(body) ? { kind: "status", status: 400, message } : undefined));
    assert.match(
      (await model.generate({ parts: [hello, clip] })).completions[0]!.text,
      /2 pictures were shown/,
    );
    assert.deepEqual(bodies().map(isVideo), [true, false]);
    const { images, video } = await model.capabilities();
    assert.deepEqual({ images, video }, { images: true, video: false });
  });

test("a list of one frame that is taken is not yet a video", async (t) => {
  // As llama-server: it reads the list of one frame as a picture.
  const { server, model } = await connected(t, {}, { video: "video" });
  server.setFaults(({ body }) => {
    const list = /data:video\/jpeg;base64,([^"]*)/.exec(JSON.stringify(body))?.[1] ?? "";
    const message = "Invalid uri-encoded base64 value";
    return list.includes(",") ? { kind: "status", status: 400, message } : undefined;
  });
  assert.equal((await model.capabilities()).video, false);
  assert.match(
    (await model.generate({ parts: [hello, clip] })).completions[0]!.text,
    /2 pictures were shown/,
  );
});

test("between two pictures stands the moment of the second", async (t) => {
  const { model, bodies } = await connected(t);
  const picture = { type: "image", bytes: jpeg("#00ff00"), mediaType: "image/jpeg" } as const;
  const parts: Part[] = [hello, clip, hello, clip, { ...picture, atSeconds: 62.96 }, picture];
  await model.generate({ parts });
  const [message] = bodies()[0]!.messages as { content: { type: string; text?: string }[] }[];
  const mira = (hello as { text: string }).text;
  assert.deepEqual(
    message!.content.map(({ type, text }) => text ?? type),
    [
      ...[mira, "image_url", "00:00:01.0", "image_url"],
      ...[mira, "image_url", "00:00:01.0", "image_url", "00:01:02.9", "image_url", "then", "image_url"],
    ],
  );
});

test("clips are sent as frames where one video is taken and several are not", async (t) => {
  const { server, model, bodies } = await connected(t, {}, { video: "video" });
  await model.capabilities();
  const several = { parts: [hello, clip, hello, clip] };
  server.setFaults(({ body }) => {
    const videos = JSON.stringify(body).match(/"video_url":/g)?.length ?? 0;
    const message = "At most 1 video(s) may be provided in one prompt.";
    return videos > 1 ? { kind: "status", status: 400, message } : undefined;
  });
  assert.match((await model.generate(several)).completions[0]!.text, /4 pictures were shown/);
  assert.ok(!JSON.stringify(bodies().at(-1)).includes("video_url"));
  const before = server.requests.length;
  await model.generate(several);
  assert.equal(server.requests.length, before + 1);
});

test("pictures a model cannot see are an error that says so, and are not sent again", async (t) => {
  const { server, model } = await connected(t, { refuses: ["images"] });
  const refused = { code: "no-images", isRetryable: false, message: /eyes does not/ };
  await assert.rejects(model.generate({ parts: [hello, clip] }), refused);
  await assert.rejects(model.generate({ parts: [hello, clip] }), refused);
  assert.equal(server.requests.length, 1);
  assert.match((await model.generate({ parts: [hello] })).completions[0]!.text, /hello there/);
});

test("a refusal of some pictures does not mark a model as blind that has seen others", async (t) => {
  const { server, model } = await connected(t);
  await model.capabilities();
  const message = "At most 1 image(s) may be provided in one prompt.";
  server.setFaults(() => ({ kind: "status", status: 400, message }));
  await assert.rejects(model.generate({ parts: [clip] }), {
    code: "bad-request",
    message: /At most 1 image.*--frames-per-clip/,
  });
  server.setFaults(undefined);
  assert.match((await model.generate({ parts: [clip] })).completions[0]!.text, /2 pictures/);
});

test("a picture refused with a 500, as llama-server does, is refused at once", async (t) => {
  const { server, model } = await connected(t);
  const message = "image input is not supported - hint: you may need to provide the mmproj";
  server.setFaults(() => ({ kind: "status", status: 500, message }));
  await assert.rejects(model.generate({ parts: [clip] }), { code: "no-images" });
  assert.equal(server.requests.length, 1);
});

test("capabilities are found by asking once", async (t) => {
  const able = await connected(t, {}, { video: "auto" });
  const [first, second] = await Promise.all([able.model.capabilities(), able.model.capabilities()]);
  const limits = { contextTokens: null, slots: null, served: ["eyes"] };
  const all = { images: true, video: true, jsonSchema: true, samples: true, logprobs: true, ...limits };
  assert.deepEqual(first, all);
  assert.deepEqual(second, all);
  assert.equal(able.server.requests.length, 2, "the second with a video");
  const [grey] = able.server.requests[0]!.pictures;
  assert.deepEqual([grey!.width, grey!.height], [32, 32]);

  const frames = await connected(t);
  assert.deepEqual(await frames.model.capabilities(), { ...all, video: false });
  assert.equal(frames.server.requests.length, 1);

  const unable = await connected(t, { refuses: ["n", "response_format", "logprobs", "images"] });
  const none = { images: false, video: false, jsonSchema: false, samples: false, logprobs: false, ...limits };
  assert.deepEqual(await unable.model.capabilities(), none);
});

test("an endpoint that was down when asked for its capabilities is asked again", async (t) => {
  const { server, model } = await connected(t, {}, { maxRetries: 0 });
  server.setFaults(() => ({ kind: "status", status: 503 }));
  await assert.rejects(model.capabilities(), { code: "unavailable" });
  server.setFaults(undefined);
  assert.equal((await model.capabilities()).images, true);
});

test("cost adds up over calls, in tokens and by the configured prices", async (t) => {
  const prices = { promptPerMillion: 2, completionPerMillion: 10 };
  const { model } = await connected(t, {}, { prices });
  const costs = [];
  for (const n of [1, 2]) costs.push((await model.generate({ parts: [hello], n })).cost);
  const [first, second] = costs;
  assert.equal(first!.promptTokens, 5); // 17 characters
  assert.equal(second!.completionTokens, 2 * first!.completionTokens);
  assert.equal(first!.usd, (5 * 2 + first!.completionTokens * 10) / 1e6);
  const { calls, promptTokens, completionTokens, usd } = model.cost();
  assert.deepEqual([calls, promptTokens, completionTokens], [2, 10, 3 * first!.completionTokens]);
  assert.ok(Math.abs(usd - first!.usd - second!.usd) < 1e-12);
});

test("fewer samples than one is a wrong call", async (t) => {
  const { model } = await connected(t);
  await assert.rejects(model.generate({ parts: [hello], n: 0 }), RangeError);
});

test("an adapter is refused, not silently left out", async (t) => {
  const { server, model } = await connected(t);
  const adapter = {
    kind: "vector",
    revision: "adapter_1",
    space: "words:1",
    dimension: 4,
    indices: new Int32Array([1]),
    values: new Float32Array([0.5]),
    scale: 1,
  } as const;
  await assert.rejects(model.generate({ parts: [hello], adapter }), /adapter_1/);
  assert.equal(server.requests.length, 0);
});
