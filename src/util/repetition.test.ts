import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isRepetitive, saysTheSame } from "./repetition.ts";

describe("a text that repeats itself", () => {
  const nonsense: Record<string, string> = {
    "a loop of words": "The clip is about a person. ".repeat(12),
    "a loop without stops": "a person who is not there and ".repeat(6),
    "a loop without blanks": "apersonwhoisnotthere".repeat(6),
    "a loop of one letter": "a".repeat(200),
    "a loop of one word": "the ".repeat(40),
    "a loop of a short word behind sense":
      "The train leaves at nine: Nine: Nine: Nine: Nine: Nine: Nine: N/A.",
    "a loop of two short words": "He is on, is on, is on, is on, is on, is on the bus.",
    "a loop behind sense": `Ann puts the keys on the desk and ${"then she is there, ".repeat(8)}`,
    "a loop within quotes": `A voice says "${"hello hello ".repeat(20)}".`,
    "a loop of lines": "- a red cup\n".repeat(20),
    "a Chinese loop": "她在厨房里".repeat(6),
    "a Japanese loop": "机の上にあります".repeat(6),
    "a Thai loop": "เขาอยู่ในครัว".repeat(5),
    "a sentence said twice": "Ann puts the keys on the desk. Ann puts the keys on the desk.",
    "a sentence said twice, not in a row":
      "Ann puts the keys on the desk. Bob reads. Ann puts the keys on the desk!",
    "a sentence said twice in another case": "Ann opens the door. ANN OPENS THE DOOR.",
    "a sentence said twice without a stop": "Ann puts the keys down Ann puts the keys down",
    "a Chinese sentence said twice": "她把钥匙放在桌子上。他走了。她把钥匙放在桌子上。",
    "a Chinese sentence said twice without a stop": "她把钥匙放在桌子上她把钥匙放在桌子上",
  };
  for (const [name, text] of Object.entries(nonsense))
    test(`is ${name}`, () => assert.equal(isRepetitive(text), true));

  const sense: Record<string, string> = {
    "no, no, no": 'Bob shakes his head. "No, no, no, no, no," he says, and then: "No."',
    "a chorus":
      'They sing "We will, we will rock you. We will, we will rock you. We will, we will rock you."',
    "a word five times": "The children sing row, row, row, row, row the boat.",
    laughter: "Ann laughs: hahahahahahahaha.",
    "a song": "The children sing row, row, row your boat, gently down the stream, merrily, merrily, merrily.",
    "a call that comes twice":
      'Ann calls "Where are the keys to the car?" and, louder, "Where are the keys to the car?"',
    "a phone number": "Cara writes 555-555-5555 and 0800 00 00 00 on the board.",
    "a row of numbers": "The screen shows 00:00:00, 0000 0000 0000 0000 and 1 2 3 4 5 6 7 8 9 10.",
    "a list": "On the shelf stand a red cup, a red plate, a red bowl, a red jug, a red pan and a red pot.",
    "a list by name":
      "Ann gets the red cup, Bob gets the red cup with the crack, Cara gets the blue cup and Dan none.",
    "short sentences that come again": "Ann waves. Bob waves. Ann waves. He nods. He nods.",
    "a static scene": "The room is empty; the lamp on the desk is still on and the door is still open.",
    "a Chinese chorus": "她唱道：“我爱你，我爱你，我爱你。”",
    "Chinese sentences alike": "她把钥匙放在桌子上。他把钥匙放进口袋里。",
    nothing: "",
    "marks alone":
      "------------------------------------------------------------------------------------------",
  };
  for (const [name, text] of Object.entries(sense))
    test(`is not ${name}`, () => assert.equal(isRepetitive(text), false));

  test("is found in a long text in time", () => {
    const words = Array.from({ length: 3000 }, (_, i) => `word${(i * 7919) % 3001}`).join(" ");
    assert.equal(isRepetitive(words), false);
  });
});

test("two texts say the same where their letters and digits are the same", () => {
  assert.ok(saysTheSame("The room is empty.", "the room is  EMPTY"));
  assert.ok(saysTheSame("Café at 7", "Cafe\u0301 at 7!"));
  assert.ok(!saysTheSame("The room is empty.", "The room is empty at 7."));
  assert.ok(!saysTheSame("...", "!"));
});
