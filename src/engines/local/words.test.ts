import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nameStems, wordSpace } from "./words.ts";

const stems = (text: string) => wordSpace.stems(text).join(" ");

describe("word space", () => {
  test("keeps content words in order with repeats and drops stop words", () => {
    assert.equal(stems("She put the red cup by the other red cup"), "put red cup red cup");
    assert.equal(stems("Yeah, okay, hmm... what is this?"), "");
  });

  test("brings inflected forms of a word together", () => {
    const families = [
      ["key", "keys", "Key's"],
      ["box", "boxes"],
      ["glass", "glasses"],
      ["movie", "movies"],
      ["family", "families"],
      ["make", "makes", "making"],
      ["stop", "stops", "stopped", "stopping"],
      ["carry", "carries", "carried", "carrying"],
      ["agree", "agrees", "agreed"],
      ["quick", "quickly"],
    ];
    for (const [first, ...others] of families) {
      for (const other of others) assert.equal(stems(other), stems(first!), `${other} and ${first}`);
    }
  });

  test("leaves short words and words without a vowel before the suffix alone", () => {
    assert.equal(stems("bring king red bus need thing"), "bring king red bus need");
  });

  test("stems names like any word, the same way everywhere", () => {
    assert.equal(stems("Alice"), "alic");
    assert.equal(stems("Alice's cup"), "alic cup");
    assert.deepEqual(nameStems(["Alice", "Ann O'Brien"]), new Set(["alic", "ann", "brien"]));
  });

  test("splits clitics and drops negated auxiliaries", () => {
    assert.equal(stems("We'll meet at ten o'clock, Bob's late, I don't mind"), "meet ten clock bob lat mind");
    assert.equal(stems("We’ll meet"), "meet");
  });

  test("compares numbers and clock times as wholes", () => {
    assert.equal(stems("at 07:05"), "7:05");
    assert.equal(stems("at 7:05."), "7:05");
    assert.notEqual(stems("17:05"), stems("17:50"));
    assert.equal(stems("1,000 or 1000"), "1000 1000");
    assert.equal(stems("version 3.5, 2010,"), "version 3.5 2010");
    assert.equal(stems("5pm"), "5 pm");
  });

  test("folds accents on Latin letters and keeps other scripts as words", () => {
    assert.equal(stems("Café CAFE\u0301 cafe"), "caf caf caf");
    assert.equal(stems("Привет, мир"), "привет мир");
    assert.equal(stems("नमस्ते दुनिया"), "नमस्ते दुनिया");
  });

  test("cuts scripts without spaces into bigrams and drops those with function characters", () => {
    assert.equal(stems("钥匙在桌子上"), "钥匙 桌子");
    assert.equal(stems("書"), "書");
    assert.equal(stems("的"), "");
    assert.equal(stems("open 钥匙 door"), "open 钥匙 door");
    assert.equal(stems("ｱﾊﾟｰﾄ"), stems("アパート")); // half-width forms are the same letters
  });

  test("gives every stem one bucket and a sign, both spread evenly", () => {
    const indices = new Set<number>();
    let positive = 0;
    for (let i = 0; i < 4096; i++) {
      const { index, sign } = wordSpace.bucket(`stem${i}`);
      assert.ok(Number.isInteger(index) && index >= 0 && index < wordSpace.dimension);
      indices.add(index);
      if (sign === 1) positive += 1;
    }
    // Expected collisions of 4096 in 65536: 4096²/2/65536 = 128, so about 3970 distinct; signs 2048 ± 4·32.
    assert.ok(indices.size > 3900, `${indices.size} distinct buckets`);
    assert.ok(Math.abs(positive - 2048) < 128, `${positive} positive signs`);
    assert.deepEqual(wordSpace.bucket("alic"), wordSpace.bucket("alic"));
  });

  test("names itself by a hash of its rules and lists", () => {
    assert.match(wordSpace.id, /^words:[0-9a-f]{12}$/);
    assert.equal(wordSpace.dimension, 65536);
  });
});
