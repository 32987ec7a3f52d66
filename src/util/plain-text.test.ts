import assert from "node:assert/strict";
import { test } from "node:test";
import { plainText, shownJson, shownText } from "./plain-text.ts";

const dropped: readonly [string, string, string][] = [
  ["colours", "\x1b[31mred\x1b[0m words", "red words"],
  ["a title", "\x1b]0;owned\x07 words", " words"],
  ["what writes the clipboard", "\x1b]52;c;ZWNobw==\x1b\\ok", "ok"],
  ["a link", "\x1b]8;;http://evil.test\x07here\x1b]8;;\x07", "here"],
  ["a string that never ends", "\x1b]0;owned words", "0;owned words"],
  ["sequences begun by C1", "\x9b2Jcleared \x9d0;t\x9cok", "cleared ok"],
  ["other escapes", "\x1bcreset \x1b(0line", "reset line"],
  ["bell, backspace, NUL, DEL", "a\x07b\x08c\x00d\x7fe", "abcde"],
  ["overrides and isolates", "abc\u202Efdp.exe\u202C \u2066x\u2069", "abcfdp.exe x"],
  ["zero width between letters", "pay\u200Bpal p\u200Da\u200Cy \u2060\uFEFFx\u00AD", "paypal pay x"],
  ["hidden tags", "hi\u{E0068}\u{E0069}\u{E0001}", "hi"],
  ["a row of selectors", "a\uFE0F\uFE01\u{E0100}\u{E0101}b", "a\uFE0Fb"],
  ["half a character", "a\uD800b", "a\uFFFDb"],
  ["marks of direction among Latin letters", "left\u200Eright\u200F", "leftright"],
  ["other line ends", "a\r\nb\u2028c\u0085d\re", "a\nb\nc\nd\ne"],
];
for (const [name, text, plain] of dropped)
  test(`plain text is without ${name}`, () => {
    assert.equal(plainText(text), plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    assert.doesNotMatch(shownText(text), /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
  });

const kept = [
  ["a family of emoji", "👩\u200D👩\u200D👧 and 🏳️\u200D🌈, 👩🏽\u200D🚀"],
  ["Persian, which parts words without a blank", "می\u200Cخواهم"],
  ["Sinhala and Devanagari, which build clusters", "ශ්\u200Dරී क्\u200Dष क्\u200Cष"],
  ["Hebrew with a mark of direction", "שלום (C++\u200F) ‎"],
  ["a flag made of tags", "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}"],
  ["variants of ideographs, and emoji style", "葛\u{E0100} ❤️ ☎︎"],
  ["lines and tabs", "one\n\ttwo"],
  ["all else", "Ünïcödé, 漢字, עברית, ไทย, $€ „“ – — … \u00A0 \u202F"],
] as const;
for (const [name, text] of kept)
  test(`plain text keeps ${name}`, () => {
    assert.equal(plainText(text), text);
    assert.equal(shownText(text), text.replaceAll("\n", "\\n"));
  });

test("a printed text shows what cannot be seen, and is one line", () => {
  assert.equal(shownText("a\x1b[2J\nb\u202Ec\u{E0041}\x9b\r"), "a\\x1b[2J\\nb\\u202ec\\u{e0041}\\x9b\\r");
});

test("printed JSON is the same value, with escapes for what a terminal would obey", () => {
  const value = { "a\u202E": "\x1b[2J \x9b \u2028 \u{E0041} می\u200Cخواهم", n: [1] };
  const json = shownJson(value);
  assert.deepEqual(JSON.parse(json), value);
  assert.match(json, /\\u202e.*\\u001b.*\\u009b.*\\u2028.*\\udb40\\udc41.*می\u200Cخواهم/);
});

test("a long hostile text takes no longer than its length", () => {
  for (const part of ["\x1b[", "\x1b]", "\x1b[0;", "\x9d", "👩\u200D", "\u{E0041}"]) {
    const text = part.repeat(200_000 / part.length);
    assert.ok(plainText(text).length <= text.length && shownText(text).length > 0);
  }
});
