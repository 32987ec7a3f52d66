import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Fact, factKinds, factValue, keyOf, questionOf, sentenceOf } from "./language.ts";
import { clipSeconds, createEpisode, episodeSeed, factsPerClip, type Split } from "./world.ts";

const episodes = Array.from({ length: 20 }, (_, n) => createEpisode(episodeSeed("train", n), 12));
const clips = episodes.flatMap((episode) => episode.clips);

describe("episode", () => {
  test("is the same for one seed and differs for another", () => {
    assert.deepEqual(createEpisode("train-3", 12), createEpisode("train-3", 12));
    assert.notDeepEqual(createEpisode("train-3", 12), createEpisode("train-4", 12));
  });

  test("has the same beginning at a greater length", () => {
    assert.deepEqual(createEpisode("a", 12).clips.slice(0, 5), createEpisode("a", 5).clips);
  });

  test("has clips of 10 s with four scenes of 2.5 s each, without gaps", () => {
    for (const { clips } of episodes) {
      const starts = clips.flatMap(({ scenes }) => scenes.map(({ startSeconds }) => startSeconds));
      const ends = clips.flatMap(({ scenes }) => scenes.map(({ endSeconds }) => endSeconds));
      assert.deepEqual(
        starts,
        Array.from({ length: 48 }, (_, i) => i * 2.5),
      );
      assert.deepEqual(ends, [...starts.slice(1), 120]);
      assert.equal(clips.at(-1)!.endSeconds, 12 * clipSeconds);
    }
  });

  test("shows each of a clip's six facts, in every scene at least one and nothing else", () => {
    for (const { facts, scenes } of clips) {
      assert.equal(new Set(facts.map(keyOf)).size, factsPerClip);
      const shown = new Set(scenes.flatMap(({ strips }) => strips.filter((strip) => strip !== null)));
      assert.deepEqual(shown, new Set(facts));
      for (const { strips } of scenes) {
        assert.equal(strips.length, 3);
        assert.ok(strips.some((strip) => strip !== null));
        assert.ok(strips.filter((strip) => strip?.kind === "speech").length <= 1);
      }
    }
  });

  test("has each fact once in a clip", () => {
    for (const { facts, scenes } of clips) {
      for (const fact of facts.filter(({ kind }) => kind === "speech")) {
        assert.equal(scenes.filter(({ strips }) => strips.includes(fact)).length, 1);
      }
    }
  });

  test("gives a key one value", () => {
    for (const { clips } of episodes) {
      const values = new Map<string, string>();
      for (const fact of clips.flatMap(({ facts }) => facts)) {
        assert.equal(values.get(keyOf(fact)) ?? factValue(fact), factValue(fact));
        values.set(keyOf(fact), factValue(fact));
      }
    }
  });

  test("puts a thing in one place per clip, and moves it when another person puts it next", () => {
    let moves = 0;
    for (const { clips } of episodes) {
      const last = new Map<string, Fact & { kind: "place" }>();
      for (const { facts } of clips) {
        const puts = facts.filter((fact) => fact.kind === "place");
        assert.equal(new Set(puts.map(({ object }) => object)).size, puts.length);
        for (const put of puts) {
          const before = last.get(put.object);
          if (before && before.person !== put.person) {
            moves += 1;
            assert.notEqual(before.place, put.place);
          }
          last.set(put.object, put);
        }
      }
    }
    assert.ok(moves > 50, `${moves} moves in 20 episodes`);
  });

  test("has a person busy in one room per clip", () => {
    for (const { facts } of clips) {
      const busy = facts.filter((fact) => fact.kind === "activity").map(({ person }) => person);
      assert.equal(new Set(busy).size, busy.length);
    }
  });

  test("repeats about three facts in ten from the clip before", () => {
    let repeated = 0;
    let total = 0;
    for (const { clips } of episodes) {
      for (let i = 1; i < clips.length; i++) {
        const before = new Set(clips[i - 1]!.facts);
        repeated += clips[i]!.facts.filter((fact) => before.has(fact)).length;
        total += factsPerClip;
      }
    }
    // 1320 facts, each kept with 0.3 (and a few drawn again): standard deviation 0.013.
    assert.ok(Math.abs(repeated / total - 0.3) < 0.05, String(repeated / total));
  });

  test("has facts of all kinds in about equal shares", () => {
    for (const kind of factKinds) {
      const share =
        clips.flatMap(({ facts }) => facts).filter((fact) => fact.kind === kind).length / (6 * clips.length);
      assert.ok(share > 0.16 && share < 0.24, `${kind} ${share}`);
    }
  });

  test("refuses an impossible length", () => {
    for (const clips of [0, -1, 1.5, Number.NaN]) assert.throws(() => createEpisode("a", clips), RangeError);
  });
});

test("splits share neither seeds nor episodes", () => {
  const episodesOf = (split: Split) =>
    Array.from({ length: 300 }, (_, n) => JSON.stringify(createEpisode(episodeSeed(split, n), 2).clips));
  const all = (["train", "validation", "held-out"] as const).flatMap(episodesOf);
  assert.equal(new Set(all).size, 900);
});

test("the first word of a sentence, and of a question, decides the kind", () => {
  for (const say of [sentenceOf, questionOf]) {
    const kinds = new Map<string, Set<string>>();
    for (const fact of clips.flatMap(({ facts }) => facts)) {
      const word = say(fact).split(" ")[0]!;
      kinds.set(word, (kinds.get(word) ?? new Set()).add(fact.kind));
    }
    assert.equal(kinds.size, factKinds.length);
    for (const [word, of] of kinds) assert.equal(of.size, 1, word);
  }
});
