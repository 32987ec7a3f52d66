/** Secrets named here stay named for the process, so each test has its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { EngineError } from "../errors.ts";
import {
  keepSecret,
  keepSecretsIn,
  keepSecretsOf,
  masked,
  maskedCause,
  maskedMessage,
  maskedValue,
} from "./secrets.ts";

const key = 'sk-Zan/zi+bar "7"';
keepSecret(key);

test("a secret is masked as it is, URL-encoded, in JSON and anywhere in base64", () => {
  assert.equal(masked(`a ${key} b`), "a [key] b");
  for (const form of [
    encodeURIComponent(key),
    encodeURIComponent(key).toLowerCase().replace("zan", "Zan"),
    encodeURIComponent(key).replaceAll("%20", "+"),
    JSON.stringify({ key }),
    JSON.stringify({ said: `Bearer ${key}` }),
  ])
    assert.doesNotMatch(masked(form), /zi|bar/i, form);
  for (const before of ["", "u", "us", "user:", "Authorization: Bearer "])
    for (const encoding of ["base64", "base64url"] as const) {
      const coded = Buffer.from(`${before}${key} and more`).toString(encoding);
      const left = Buffer.from(masked(coded), encoding).toString("latin1");
      assert.match(masked(coded), /\[key\]/);
      assert.doesNotMatch(left, /Zan|bar/, `${before} ${encoding}`);
    }
});

test("what could be a word is masked as a bearer token only, so that memories keep their words", () => {
  for (const word of ["EMPTY", "ollama", "password", "Password", "none"]) {
    keepSecret(word);
    assert.equal(masked(`The ${word} is on the fridge`), `The ${word} is on the fridge`);
    assert.equal(masked(`{"authorization":"Bearer ${word}"}`), '{"authorization":"[key]"}');
  }
});

test("keys are found in environment variables and in URLs", () => {
  keepSecretsOf({ TASKMEM_API_KEY: "k1-abcdef", TASKMEM_OTHER_KEY: "k2-abcdef", PATH: "/usr/bin-1" });
  keepSecretsIn("https://mira:h-ush9@models.test/v1?api_key=q3-abcdef&api-version=2026-01-01");
  assert.equal(
    masked("k1-abcdef k2-abcdef /usr/bin-1 h-ush9 q3-abcdef 2026-01-01"),
    "[key] [key] /usr/bin-1 [key] [key] 2026-01-01",
  );
  assert.equal(masked(Buffer.from("mira:h-ush9").toString("base64")), "[key]");
});

test("a message loses what stands where secrets do, though no one named it", () => {
  for (const [message, shown] of [
    ["rtsp://admin:p@ss@10.0.0.2:554/live is down", "rtsp://[key]@10.0.0.2:554/live is down"],
    [
      "GET https://x.test/a?model=m&api_key=abc&token=def 400",
      "GET https://x.test/a?model=m&api_key=[key]&token=[key] 400",
    ],
    ['{"Authorization": "Bearer abcdef"}', '{"Authorization": "Bearer [key]"}'],
    ["authorization: Basic dXNlcjpw, x-api-key: abc", "authorization: Basic [key], x-api-key: [key]"],
    ["models.test refused the key (401): set TASKMEM_API_KEY to one it accepts", null],
    ["https://x.test/a?page=2#key=1 and a key: the red one", null],
  ] as const)
    assert.equal(maskedMessage(message), shown ?? message);
});

test("values are masked inside, numbers untouched", () => {
  const value = { [key]: [1, { said: `it is ${key}` }], other: null };
  assert.deepEqual(maskedValue(value), { "[key]": [1, { said: "it is [key]" }], other: null });
});

test("an error holds no secret in message, details or causes; a cause without one stays itself", () => {
  const harmless = new TypeError("fetch failed");
  assert.equal(maskedCause(harmless), harmless);
  const inner = Object.assign(new Error("connect"), {
    config: { headers: { Authorization: `Bearer ${key}` } },
  });
  const error = new EngineError("unreachable", `${key} failed`, {
    details: { said: [key] },
    cause: new TypeError(`fetch ${key}`, { cause: inner }),
  });
  const shown = inspect(error, { depth: null, showHidden: true });
  assert.doesNotMatch(shown, /zi\+bar/);
  assert.match(shown, /TypeError\]?: fetch \[key\]/);
});
