import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createCanvas } from "@napi-rs/canvas";
import { type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import type { Part } from "../../engine.ts";
import { openaiModel } from "./model.ts";
import { saysUnreadable } from "./pictures.ts";

async function connected(
  t: TestContext,
  server: Partial<ServerOptions> = {},
  video: "frames" | "video" = "frames",
) {
  const running = await startOpenAiServer({ models: ["eyes"], ...server });
  t.after(() => running.close());
  let requests = 0;
  const counted: typeof fetch = (...args) => {
    requests += 1;
    return fetch(...args);
  };
  const model = openaiModel({ baseURL: running.baseURL, model: "eyes", retryMs: 1, video, fetch: counted });
  return { model, server: running, requests: () => requests };
}

const picture = createCanvas(64, 48).toBuffer("image/jpeg");
/** A picture that begins as one and cannot be read, the same at each call with the same number. */
const broken = (number: number) => Uint8Array.of(0xff, 0xd8, 0xff, number);

/** A clip of ten frames, one a second, in which these cannot be read. */
const clip = (...unreadable: number[]): Part => ({
  type: "video",
  frames: Array.from({ length: 10 }, (_, i) => ({
    atSeconds: i,
    jpeg: unreadable.includes(i) ? broken(i) : picture,
  })),
});
const hello: Part = { type: "text", text: "Mira: hello there" };

test("a picture that cannot be read costs itself, as the first one of a run too", async (t) => {
  const { model, requests } = await connected(t);
  const { completions, leftOut } = await model.generate({ parts: [hello, clip(6)] });
  assert.match(completions[0]!.text, /9 pictures were shown/);
  assert.equal(
    leftOut,
    "eyes was not shown 1 picture of 00:00:06.0, which its server could not read: Failed to load image or audio file.",
  );
  // The request, a picture that can be read, all ten, two halves of ten, of five, of three and of two, the request.
  assert.equal(requests(), 1 + 1 + 1 + 2 * 4 + 1);
  assert.equal((await model.capabilities()).images, true);
});

test("a picture that could not be read is not sent again", async (t) => {
  const { model, requests } = await connected(t);
  await model.generate({ parts: [hello, clip(2, 9)] });
  const before = requests();
  const { completions, leftOut } = await model.generate({ parts: [hello, clip(2), hello, clip(9)] });
  assert.match(completions[0]!.text, /18 pictures were shown/);
  assert.equal(leftOut, undefined, "it was told once");
  assert.equal(requests(), before + 1);
});

test("a request of which no picture can be read is made with its texts", async (t) => {
  const { model } = await connected(t);
  const { completions, leftOut } = await model.generate({
    parts: [hello, { type: "image", bytes: broken(1), mediaType: "image/jpeg" }],
  });
  assert.match(completions[0]!.text, /0 pictures were shown.*hello there/);
  assert.match(leftOut!, /^eyes was not shown 1 picture, which/);
});

test("a video that cannot be read, of pictures that can, is sent as pictures", async (t) => {
  const { model, server } = await connected(t, {}, "video");
  server.setFaults(({ body }) =>
    JSON.stringify(body).includes('"video_url"')
      ? { kind: "status", status: 400, message: "Failed to load image or audio file" }
      : undefined,
  );
  const { completions, leftOut } = await model.generate({ parts: [hello, clip()] });
  assert.match(completions[0]!.text, /10 pictures were shown/);
  assert.equal(leftOut, undefined);
});

test("a server that can read no picture at all refuses, and is not taken to be without eyes", async (t) => {
  const { model, server } = await connected(t);
  server.setFaults(({ pictures }) =>
    pictures.length > 0
      ? { kind: "status", status: 400, message: "Failed to load image or audio file" }
      : undefined,
  );
  const refused = { code: "bad-request", message: /Failed to load image/ };
  await assert.rejects(model.generate({ parts: [hello, clip()] }), refused);
  await assert.rejects(model.generate({ parts: [hello, clip()] }), refused);
  assert.equal((await model.capabilities()).images, false, "the probe's picture can be read everywhere");
});

test("what servers say of a picture that cannot be read is told from what they say of pictures", () => {
  const unreadable = [
    "Failed to load image or audio file",
    "cannot identify image file <_io.BytesIO object at 0x7f>",
    "image file is truncated (3 bytes not processed)",
    "You uploaded an unsupported image. Please make sure your image is valid. Invalid image data.",
    "Could not process image",
  ];
  const others = [
    "At most 1 image(s) may be provided in one prompt.",
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    "smol is not a multimodal model",
    "Invalid schema for response_format 'note': 'maxLength' is not permitted.",
  ];
  assert.deepEqual(
    [...unreadable, ...others].filter((said) => saysUnreadable(said)),
    unreadable,
  );
});
