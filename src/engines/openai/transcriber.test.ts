import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Fault, type ServerOptions, startOpenAiServer } from "../../../test/support/openai-server.ts";
import { openaiTranscriber } from "./transcriber.ts";

async function connected(t: TestContext, server: Partial<ServerOptions> = {}) {
  const running = await startOpenAiServer({ models: ["ears"], ...server });
  t.after(() => running.close());
  const transcriber = openaiTranscriber({ baseURL: running.baseURL, model: "ears", retryMs: 1 });
  return { server: running, transcriber };
}

/** A tone of some seconds at 16 kHz, its amplitude as a share of full scale. */
function tone(seconds: number, amplitude = 0.3): Int16Array {
  return Int16Array.from({ length: seconds * 16_000 }, (_, i) =>
    Math.round(amplitude * 32_767 * Math.sin((2 * Math.PI * 330 * i) / 16_000)),
  );
}

test("audio arrives as a WAV and segments come back in stream time", async (t) => {
  const segments = [
    { start: 2.5, end: 9, text: " and then this" },
    { start: 0.5, end: 2, text: " first that ", speaker: "A" },
  ];
  const { server, transcriber } = await connected(t, { segments });
  assert.equal(transcriber.id, "openai:ears");
  const heard = await transcriber.transcribe({ startSeconds: 40, samples: tone(4) }, { language: "en-GB" });
  assert.equal(server.requests[0]!.audioSeconds, 4);
  assert.equal(server.requests[0]!.body.language, "en");
  assert.deepEqual(heard, [
    { startSeconds: 40.5, endSeconds: 42, text: "first that", speaker: "A", language: "en" },
    // cut at the end of the audio
    { startSeconds: 42.5, endSeconds: 44, text: "and then this", speaker: null, language: "en" },
  ]);
});

test("a part of a longer recording is sent alone", async (t) => {
  const { server, transcriber } = await connected(t);
  const samples = tone(6).subarray(16_000, 3 * 16_000);
  await transcriber.transcribe({ startSeconds: 0, samples }, {});
  assert.equal(server.requests[0]!.audioSeconds, 2);
});

test("silence and near silence are not sent", async (t) => {
  const { server, transcriber } = await connected(t);
  for (const samples of [new Int16Array(0), new Int16Array(16_000), tone(1, 0.0005)]) {
    assert.deepEqual(await transcriber.transcribe({ startSeconds: 0, samples }, {}), []);
  }
  assert.equal(server.requests.length, 0);
});

test("segments that the model takes for silence, and empty ones, are dropped", async (t) => {
  const segments = [
    { start: 0, end: 1, text: "thanks for watching", no_speech_prob: 0.9 },
    { start: 1, end: 2, text: "  ", no_speech_prob: 0 },
    { start: 2, end: 3, text: "the soup is ready", no_speech_prob: 0.1 },
  ];
  const { transcriber } = await connected(t, { segments });
  const heard = await transcriber.transcribe({ startSeconds: 0, samples: tone(3) }, {});
  assert.deepEqual(
    heard.map(({ text }) => text),
    ["the soup is ready"],
  );
});

for (const format of ["json", "text"]) {
  test(`an endpoint that only answers in ${format} gives one segment for the clip`, async (t) => {
    const { server, transcriber } = await connected(t, { transcriptFormats: [format] });
    const audio = { startSeconds: 10, samples: tone(2) };
    for (const _ of [1, 2]) {
      const heard = await transcriber.transcribe(audio, {});
      assert.deepEqual(heard, [
        { startSeconds: 10, endSeconds: 12, text: "2 seconds were heard", speaker: null, language: null },
      ]);
    }
    const asked = server.requests.map(({ body }) => body.response_format);
    const refused = format === "json" ? ["verbose_json"] : ["verbose_json", "json"];
    assert.deepEqual(asked, [...refused, format, format], "the refusal is remembered");
  });
}

test("a lost connection and a body that is no transcript are retried", async (t) => {
  const { server, transcriber } = await connected(t);
  const faults: Fault[] = [{ kind: "cut" }, { kind: "body", body: { text: 5 } }];
  server.setFaults(({ index }) => faults[index]);
  const heard = await transcriber.transcribe({ startSeconds: 0, samples: tone(1) }, {});
  assert.equal(heard[0]!.text, "1 seconds were heard");
  assert.equal(server.requests.length, 3);
});
