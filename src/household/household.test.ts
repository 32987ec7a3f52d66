/** Other tests measure by the household, so its truth must be true and its questions fair. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Cue } from "../stream/clip.ts";
import { openSource } from "../stream/open-source.ts";
import { seededRandom } from "../util/random.ts";
import { glyphs } from "./glyphs.ts";
import {
  askAbout,
  createEpisode,
  drawScene,
  episodeSeed,
  type Fact,
  factValue,
  keyOf,
  questionOf,
  renderEpisode,
  sentenceOf,
} from "./index.ts";
import { colours, devices, garments, objects, optionOf, places, rooms, verbs } from "./language.ts";

const episodes = Array.from({ length: 40 }, (_, n) => createEpisode(episodeSeed("train", n), 12));

test("one seed gives one episode, another seed another, and splits share none", () => {
  assert.deepEqual(createEpisode("train-0", 12), episodes[0]);
  assert.notDeepEqual(createEpisode("train-1", 12), createEpisode("held-out-1", 12));
  const seeds = (["train", "validation", "held-out"] as const).flatMap((split) =>
    Array.from({ length: 50 }, (_, n) => episodeSeed(split, n)),
  );
  assert.equal(new Set(seeds).size, 150);
  const worlds = seeds.map((seed) => JSON.stringify(createEpisode(seed, 2).clips));
  assert.equal(new Set(worlds).size, 150);
});

test("every seed has an episode", () => {
  for (const seed of ["train-64", "train-263", "train-398", "validation-377", "held-out-235"])
    assert.equal(createEpisode(seed, 36).clips.length, 36, seed);
});

test("each clip shows six different facts, each in a strip of its own", () => {
  for (const { clips } of episodes) {
    for (const { facts, scenes } of clips) {
      assert.equal(new Set(facts.map(keyOf)).size, 6);
      assert.deepEqual(
        scenes.map(({ strips }) => strips.length),
        [3, 3, 3, 3],
      );
      const shown = scenes.flatMap(({ strips }) => strips.filter((fact) => fact !== null));
      for (const fact of facts) assert.ok(shown.includes(fact), sentenceOf(fact));
      for (const fact of shown) assert.ok(facts.includes(fact));
      for (const { strips } of scenes) {
        const seen = strips.filter((fact) => fact !== null);
        assert.equal(new Set(seen).size, seen.length, "once a scene");
        assert.ok(seen.filter(({ kind }) => kind === "speech").length <= 1, "one voice a scene");
      }
    }
  }
});

test("within an episode a key has one value, and about 30 % of facts persist into the next clip", () => {
  let [persisted, pairs] = [0, 0];
  for (const { clips } of episodes) {
    const values = new Map<string, string>();
    for (const [i, { facts }] of clips.entries()) {
      for (const fact of facts) {
        assert.equal(values.get(keyOf(fact)) ?? factValue(fact), factValue(fact));
        values.set(keyOf(fact), factValue(fact));
      }
      const before = clips[i - 1];
      if (!before) continue;
      pairs += 6;
      persisted += facts.filter((fact) => before.facts.some((other) => keyOf(other) === keyOf(fact))).length;
    }
  }
  assert.ok(persisted / pairs > 0.25 && persisted / pairs < 0.42, `${persisted / pairs}`);
});

test("the first word of a sentence decides its kind, and so does the first word of a question", () => {
  for (const say of [sentenceOf, questionOf]) {
    const kindOfWord = new Map<string, string>();
    for (const fact of episodes.flatMap(({ clips }) => clips.flatMap(({ facts }) => facts))) {
      const word = say(fact).split(" ")[0]!;
      assert.equal(kindOfWord.get(word) ?? fact.kind, fact.kind, word);
      kindOfWord.set(word, fact.kind);
    }
    assert.equal(kindOfWord.size, 5);
  }
});

test("a question has four different options of which only its answer is true, and was shown when it says", () => {
  for (const [n, episode] of episodes.entries()) {
    const questions = askAbout(episode, seededRandom(n), { perKind: 3 });
    assert.ok(new Set(questions.map(({ kind }) => kind)).size >= 4);
    const facts = episode.clips.flatMap((clip) => clip.facts);
    for (const { fact, text, options, answer, clips, moments } of questions) {
      assert.equal(text, questionOf(fact));
      assert.equal(new Set(options.map((option) => option.text)).size, 4);
      const truths = new Set(
        facts
          .filter((other) => keyOf(other) === keyOf(fact))
          .map((other) => optionOf(other.kind, factValue(other))),
      );
      assert.deepEqual(
        options.filter((option) => truths.has(option.text)).map(({ letter }) => letter),
        [answer],
      );
      for (const clip of clips) assert.ok(episode.clips[clip]!.facts.includes(fact));
      assert.ok(moments.length >= 1);
    }
  }
});

test("answers are spread over the letters, and asking by a moment asks nothing later", () => {
  const letters = episodes.flatMap((episode, n) =>
    askAbout(episode, seededRandom(n), { perKind: 4 }).map(({ answer }) => answer),
  );
  for (const letter of "ABCD") {
    const share = letters.filter((other) => other === letter).length / letters.length;
    assert.ok(share > 0.18 && share < 0.32, `${letter}: ${share}`);
  }
  for (const question of askAbout(episodes[0]!, seededRandom(0), { perKind: 9, bySeconds: 40 })) {
    assert.equal(question.askedAtSeconds, 40);
    for (const clip of question.clips) assert.ok(clip < 4);
    for (const moment of question.moments) assert.ok(moment.endSeconds <= 40);
  }
});

test("a display's options are two hours with two minutes each", () => {
  const questions = episodes.flatMap((episode) =>
    askAbout(episode, seededRandom(3), { perKind: 9, kinds: ["display"] }),
  );
  assert.ok(questions.length > 100, `${questions.length}`);
  let guessed = 0;
  for (const { options, answer } of questions) {
    const times = options.map(({ text }) => text.split(":"));
    for (const half of [0, 1])
      assert.deepEqual(
        [...Map.groupBy(times, (time) => time[half]).values()].map(({ length }) => length),
        [2, 2],
      );
    // Without a memory: the option that shares a half with most others, the first of several.
    const alike = times.map(
      (one) => times.filter((other) => other.some((half, i) => half === one[i])).length,
    );
    guessed += Number(options[alike.indexOf(Math.max(...alike))]!.letter === answer);
  }
  assert.ok(guessed / questions.length < 0.35, `${guessed} of ${questions.length} guessed`);
});

test("every word of the language has a pictogram, and facts that differ look different", () => {
  const pictured = [...objects, ...places, ...garments, ...devices, ...Object.keys(verbs), ...rooms];
  for (const word of pictured) assert.ok(glyphs[word], word);
  assert.equal(new Set(Object.values(glyphs)).size, Object.keys(glyphs).length);
  const facts: Fact[] = [
    ...places.map((place) => ({ kind: "place", person: "Ann", object: "keys", place }) as const),
    ...objects.slice(1).map((object) => ({ kind: "place", person: "Ann", object, place: "desk" }) as const),
    ...colours.map((colour) => ({ kind: "wear", person: "Bob", garment: "coat", colour }) as const),
    ...["07:05", "01:05", "07:50"].map((time) => ({ kind: "display", device: "clock", time }) as const),
    ...rooms.map((room) => ({ kind: "activity", person: "Eve", verb: "reads", room }) as const),
    { kind: "speech", person: "Eve", topic: "train", hour: "two" },
    { kind: "speech", person: "Dan", topic: "train", hour: "two" },
  ];
  const pictures = facts.map((fact) =>
    drawScene({ strips: [fact, null, null] })
      .toBuffer("image/png")
      .toString("base64"),
  );
  assert.equal(new Set(pictures).size, facts.length);
});

test("what is said is not in the picture", () => {
  const draw = (topic: "train" | "party", hour: "two" | "nine") =>
    drawScene({ strips: [{ kind: "speech", person: "Dan", topic, hour }, null, null] }).toBuffer("image/png");
  assert.deepEqual(draw("train", "two"), draw("party", "nine"));
});

test("a rendered episode is a video of its length with the same texts beside it each time", async () => {
  const episode = createEpisode(episodeSeed("train", 3), 3);
  const folder = mkdtempSync(join(tmpdir(), "taskmem-household-"));
  const files = await renderEpisode(episode, folder, { name: "evening" });
  const again = await renderEpisode(episode, join(folder, "again"), { name: "evening" });
  for (const file of ["subtitles", "descriptions", "truth"] as const)
    assert.deepEqual(readFileSync(files[file]!), readFileSync(again[file]!));
  const source = await openSource(files.video);
  assert.ok(Math.abs(source.endSeconds! - 30) < 0.01, `${source.endSeconds}`);
  let clips = 0;
  for await (const item of source.open()) {
    assert.ok(item.kind === "clip");
    assert.equal(item.frames.length, 10);
    assert.deepEqual([item.frames[0]!.width, item.frames[0]!.height], [448, 252]);
    const { facts } = episode.clips[item.index]!;
    for (const fact of facts) {
      const cue: Cue | undefined = item.cues.find(({ text, speaker }) =>
        fact.kind === "speech"
          ? speaker === fact.person && text.includes(fact.topic)
          : text === sentenceOf(fact),
      );
      assert.equal(cue?.kind, fact.kind === "speech" ? "speech" : "caption", sentenceOf(fact));
    }
    clips += 1;
  }
  assert.equal(clips, 3);
});

test("an abort ends the rendering", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskmem-household-"));
  const controller = new AbortController();
  const rendering = renderEpisode(createEpisode("long", 400), folder, { signal: controller.signal });
  controller.abort();
  await assert.rejects(rendering, { name: "AbortError" });
});
