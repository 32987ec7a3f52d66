import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace } from "../engines/local/index.ts";
import { pick, randomInt, seededRandom } from "../util/random.ts";
import { tagIssues } from "./identity-tags.ts";
import {
  type ActionContract,
  type Asked,
  longestText,
  mostKnowledge,
  parseLeniently,
  parseStrictly,
} from "./parse-action.ts";

const episodic: ActionContract = {
  known: { ids: ["face_1"], speakers: ["Ann"] },
  semantic: false,
  countTokens: wordSpace.countTokens,
};
const both: ActionContract = { ...episodic, semantic: true };
const good = "<face_1> puts the keys on the desk.";
const asked = JSON.stringify({ description: good });
const codes = ({ issues }: { issues: readonly { code: string }[] }) => issues.map(({ code }) => code);
const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(" ");

describe("strict reading", () => {
  test("accepts the object asked for, with or without a fence", () => {
    for (const text of [asked, `\n${asked}\n`, `\`\`\`json\n${asked}\n\`\`\``, `\`\`\`\n${asked}\n\`\`\``]) {
      assert.deepEqual(parseStrictly(text, episodic), { description: good, knowledge: [], issues: [] });
    }
    const knowledge = ["Ann keeps her keys in sight."];
    const text = JSON.stringify({ description: good, knowledge });
    assert.deepEqual(parseStrictly(text, both), { description: good, knowledge, issues: [] });
    assert.deepEqual(codes(parseStrictly(JSON.stringify({ knowledge: [], description: good }), both)), []);
  });

  test("accepts nothing else", () => {
    const cases: [string, string][] = [
      ["", "not-json"],
      [good, "not-json"],
      [`Here it is: ${asked}`, "not-json"],
      [`${asked.slice(0, -1)},}`, "not-json"],
      [`[${asked}]`, "not-json"],
      ["null", "not-json"],
      [`<think>hm</think>${asked}`, "not-json"],
      ["{}", "wrong-schema"],
      ['{"description": 5}', "wrong-schema"],
      [JSON.stringify({ description: good, mood: "calm" }), "wrong-schema"],
      [JSON.stringify({ description: good, knowledge: [] }), "wrong-schema"],
      ['{"description": "  "}', "empty-text"],
      [JSON.stringify({ description: words(longestText) }), "too-long"],
      [JSON.stringify({ description: "[face_1] waves" }), "tag-malformed"],
      [JSON.stringify({ description: "<face_9> waves" }), "tag-unknown"],
    ];
    for (const [text, code] of cases) assert.deepEqual(codes(parseStrictly(text, episodic)), [code], text);
  });

  test("holds knowledge to the same rules", () => {
    const withKnowledge = (knowledge: unknown) =>
      codes(parseStrictly(JSON.stringify({ description: good, knowledge }), both));
    assert.deepEqual(codes(parseStrictly(asked, both)), ["wrong-schema"]);
    assert.deepEqual(withKnowledge("Ann is tidy."), ["wrong-schema"]);
    assert.deepEqual(withKnowledge(["Ann is tidy.", 5]), ["wrong-schema"]);
    assert.deepEqual(withKnowledge([""]), ["empty-text"]);
    assert.deepEqual(withKnowledge(["<face_4> is tidy."]), ["tag-unknown"]);
    assert.deepEqual(withKnowledge(Array.from({ length: mostKnowledge + 1 }, (_, i) => `Fact ${i}.`)), [
      "too-many",
    ]);
  });
});

describe("lenient reading", () => {
  test("finds the description in any surroundings", () => {
    const texts = [
      asked,
      `Sure! Here is the JSON:\n\`\`\`json\n${asked}\n\`\`\`\nLet me know if you need more.`,
      `<think>A {"description": "draft"} first.</think>\n${asked}`,
      `The description: ${asked}`,
      `${asked.slice(0, -1)},}`,
      asked.slice(0, -1),
      asked.replaceAll('"', "'"),
      `{description: "${good}"}`,
      `[${asked}]`,
      asked.replace("description", "Description"),
      `{"reasoning": "it is clear", "description": "${good}", "mood": "calm"}`,
      good,
      `"${good}"`,
      `**Description:** ${good}`,
      `Here is what happens:\n\n${good}`,
      `\`\`\`\n${good}\n\`\`\``,
    ];
    for (const text of texts) {
      assert.deepEqual(
        parseLeniently(text, episodic),
        { description: good, knowledge: [], issues: [] },
        text,
      );
    }
  });

  test("writes one line, corrects tags and replaces unknown people by someone", () => {
    const { description } = parseLeniently(
      JSON.stringify({ description: " Face_1 sees\n<face_9>\u0000 with a\tSurface 3 tablet. " }),
      episodic,
    );
    assert.equal(description, "<face_1> sees someone with a Surface 3 tablet.");
  });

  test("keeps scripts without capitals or blanks", () => {
    assert.equal(parseLeniently("她把钥匙放在桌子上。", episodic).description, "她把钥匙放在桌子上。");
  });

  test("distinguishes a person who cannot find something from a model that cannot help", () => {
    const description = "I cannot find my keys and ask Ann.";
    assert.equal(parseLeniently(description, episodic).description, description);
  });

  test("keeps a quoted object in a description as text", () => {
    const description = 'The screen shows {"description": "nothing"}.';
    assert.equal(parseLeniently(JSON.stringify({ description }), episodic).description, description);
  });

  test("names unusable answers", () => {
    const cases: [string, string][] = [
      ["", "empty-text"],
      [" \n", "empty-text"],
      ["...", "empty-text"],
      ["<think>I wonder", "empty-text"],
      ['{"description": ""}', "empty-text"],
      ['{"description": ["a", "b"]}', "wrong-schema"],
      ['{"summary": "Ann waves."}', "not-json"],
      ['Here: {"summary": "Ann waves."}', "not-json"],
      ["{{{{", "not-json"],
      ["I'm sorry, but I can't describe people.", "refused"],
      ['{"description": "I cannot help with that."}', "refused"],
      ['{"description": "Ann puts the ke', "cut-off"],
      [JSON.stringify({ description: words(1000) }), "too-long"],
    ];
    for (const [text, code] of cases) {
      const parsed = parseLeniently(text, episodic);
      assert.deepEqual([codes(parsed), parsed.description], [[code], ""], text);
    }
  });

  test("takes a text that stopped at its length limit only when it is complete JSON", () => {
    assert.deepEqual(codes(parseLeniently(asked, episodic, true)), []);
    assert.deepEqual(codes(parseLeniently("Ann puts the keys", episodic, true)), ["cut-off"]);
    assert.deepEqual(codes(parseLeniently('{"description": "Ann waves."', episodic, true)), ["cut-off"]);
    assert.deepEqual(codes(parseLeniently("", episodic, true)), ["cut-off"]);
  });

  test("lists knowledge where it was asked for, each once, regardless of what else is in the list", () => {
    const text = JSON.stringify({
      description: good,
      knowledge: ["Ann is tidy.", "- Ann is tidy.", "", 5, "face_1 owns a dog."],
    });
    assert.deepEqual(parseLeniently(text, both).knowledge, ["Ann is tidy.", "<face_1> owns a dog."]);
    assert.deepEqual(parseLeniently(text, episodic).knowledge, []);
    assert.deepEqual(parseLeniently(asked, both), { description: good, knowledge: [], issues: [] });
    const endless = Array.from({ length: 100 }, (_, i) => `Ann has a dog ${i}.`);
    const running = JSON.stringify({ description: good, knowledge: endless });
    assert.deepEqual(codes(parseLeniently(running, both)), ["too-many"]);
    const lines = JSON.stringify({ description: good, knowledge: "1. Ann is tidy.\n2. Ann has a dog." });
    assert.deepEqual(parseLeniently(lines, both).knowledge, ["Ann is tidy.", "Ann has a dog."]);
  });
});

describe("repetition in the lenient reading", () => {
  const asked: Asked = {
    memories: ["The room is empty.", "Ann is tidy."],
    wording:
      'Write the memory of each clip, one or two full sentences. Answer in this form: {"description":"…"}',
    mayRepeat: false,
    mayBeEmpty: false,
  };
  const read = (description: string, changes: Partial<Asked> = {}, contract = episodic) =>
    parseLeniently(JSON.stringify({ description }), contract, false, { ...asked, ...changes });

  test("is an issue: of the text itself, of a memory shown, of the request", () => {
    const cases: [string, string][] = [
      ["The clip is about a person. ".repeat(8), "repeats-itself"],
      [`${"她在厨房里看书。".repeat(8)}`, "repeats-itself"],
      ["Ann puts the keys down. Bob reads. Ann puts the keys down.", "repeats-itself"],
      ["the room is EMPTY", "repeats-memory"],
      ["Ann is tidy!", "repeats-memory"],
      ["One or two full sentences.", "repeats-prompt"],
      ["The memory of each clip. One or two full sentences!", "repeats-prompt"],
    ];
    for (const [text, code] of cases) {
      const parsed = read(text);
      assert.deepEqual([codes(parsed), parsed.description], [[code], ""], text);
    }
    const running = JSON.stringify({ description: good, knowledge: ["Ann is here. ".repeat(20)] });
    assert.deepEqual(codes(parseLeniently(running, both, false, asked)), ["repeats-itself"]);
  });

  test("is none where something else is said", () => {
    for (const text of [
      "The room is empty but for Ann.",
      'Bob says "No, no, no, no." The room is empty.',
      "Ann says that one or two full sentences are enough.",
    ])
      assert.deepEqual(codes(read(text)), [], text);
  });

  test("of what is known drops that item", () => {
    const text = JSON.stringify({ description: good, knowledge: ["Ann is tidy", "Bob owns a dog."] });
    assert.deepEqual(parseLeniently(text, both, false, asked).knowledge, ["Bob owns a dog."]);
  });

  test("is accepted of a model that reads no correction", () => {
    assert.deepEqual(codes(read("The room is empty.", { mayRepeat: true })), []);
  });

  test("an empty description says that nothing is new, if the model was told that it may", () => {
    assert.deepEqual(codes(read("")), ["empty-text"]);
    assert.deepEqual(read("", { mayBeEmpty: true }), { description: "", knowledge: [], issues: [] });
    assert.deepEqual(codes(parseLeniently("", episodic, false, { ...asked, mayBeEmpty: true })), [
      "empty-text",
    ]);
  });
});

test("reads 5000 random texts without throwing; what it takes can be stored", () => {
  const random = seededRandom("parse-action");
  const pieces = [
    ..."{}[]\"':,\\`<>_ \n\0",
    ..."ab1é她\ud800",
    "description",
    '"description":',
    '{"description": "',
    '"knowledge": [',
    "```json\n",
    "```",
    "<think>",
    "</think>",
    "face_9",
    "<face_1>",
    "Face 1",
    "Ann waves.",
    "I'm sorry",
    "\\u00",
    "null",
    words(200),
  ];
  let taken = 0;
  for (let i = 0; i < 5000; i++) {
    const text = Array.from({ length: randomInt(random, 20) }, () => pick(random, pieces)).join("");
    for (const contract of [episodic, both]) {
      parseStrictly(text, contract);
      const { description, knowledge, issues } = parseLeniently(text, contract, i % 7 === 0);
      assert.equal(description === "", issues.length > 0, JSON.stringify(text));
      if (issues.length > 0) continue;
      taken += 1;
      for (const one of [description, ...knowledge]) {
        assert.match(one, /\p{L}/u);
        assert.ok(one.isWellFormed() && !/\p{Cc}/u.test(one));
        assert.ok(!tagIssues(one, contract.known).some(({ code }) => code === "tag-unknown"), one);
      }
    }
  }
  assert.ok(taken > 500, `${taken}`);
});

test("reads deep and long nonsense", () => {
  for (const piece of ["{", "[", '{"description":', "<think>", '"', "<face_"]) {
    const parsed = parseLeniently(piece.repeat(100_000), episodic);
    assert.equal(parsed.issues.length, 1, piece);
    assert.equal(parseStrictly(piece.repeat(100_000), episodic).issues.length, 1, piece);
  }
});
