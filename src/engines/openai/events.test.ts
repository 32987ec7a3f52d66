import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents } from "./events.ts";

/** The events of bytes that arrive in pieces of some length. */
async function eventsOf(bytes: Uint8Array, length = bytes.length): Promise<(string | null)[]> {
  async function* pieces() {
    for (let i = 0; i < bytes.length; i += length) yield bytes.subarray(i, i + length);
  }
  const events = [];
  for await (const event of readEvents(pieces())) events.push(event);
  return events;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("data is told event by event, and comments and other fields as signs of life", async () => {
  const text = ': ping\n\nevent: message\ndata: {"a": 1}\n\ndata:two\ndata: lines\n\nid: 7\n\n';
  assert.deepEqual(await eventsOf(bytesOf(text)), [null, null, '{"a": 1}', "two\nlines", null]);
});

test("events are the same however their bytes are cut, with line ends of Unix and of Windows", async () => {
  const text = "data: café ☕ 🏮\n\n: wait\n\ndata: a\ndata: b\n\n";
  const expected = ["café ☕ 🏮", null, "a\nb"];
  for (const bytes of [bytesOf(text), bytesOf(text.replaceAll("\n", "\r\n"))])
    for (const length of [1, 2, 3, 5, 1000]) assert.deepEqual(await eventsOf(bytes, length), expected);
});

test("a last event without its blank line is told", async () => {
  assert.deepEqual(await eventsOf(bytesOf("data: a\n\ndata: [DONE]")), ["a", "[DONE]"]);
});

test("a field named error, as older llama-servers send it, is data with an error", async () => {
  const [event] = await eventsOf(bytesOf('error: {"code": 500, "message": "no"}\n\n'));
  assert.deepEqual(JSON.parse(event!), { error: { code: 500, message: "no" } });
});

test("bytes that are not UTF-8 are replaced", async () => {
  const bytes = Buffer.concat([bytesOf("data: caf"), Uint8Array.of(0xe9), bytesOf("\n\n")]);
  assert.deepEqual(await eventsOf(bytes), ["caf\ufffd"]);
});
