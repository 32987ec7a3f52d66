import assert from "node:assert/strict";
import { test } from "node:test";
import { rolePrefixes } from "./roles.ts";

test("knows what the encoders of a family want before a text, by the model's name", () => {
  const e5 = { query: "query: ", passage: "passage: " };
  assert.deepEqual(rolePrefixes("intfloat/multilingual-e5-small"), e5);
  assert.deepEqual(rolePrefixes("e5-large-v2"), e5);
  assert.equal(rolePrefixes("nomic-embed-text:v1.5").query, "search_query: ");
  assert.match(rolePrefixes("Qwen/Qwen3-Embedding-0.6B").query, /^Instruct: /);
  assert.equal(rolePrefixes("BAAI/bge-small-en-v1.5").passage, "");
  assert.deepEqual(rolePrefixes("text-embedding-3-small"), { query: "", passage: "" });
});
