import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "../engine.ts";
import type { Observation } from "../perception/observation.ts";
import type { Context } from "./policy.ts";
import { type PromptTemplate, parsePromptTemplate, printPromptTemplate } from "./prompt-template.ts";
import { builtInTemplate, memoryInstructions, memoryPrompt, promptHash } from "./prompts.ts";

const countTokens = (text: string) => text.length;
const frameAt = (atSeconds: number) => ({ atSeconds, width: 4, height: 4, jpeg: Uint8Array.of(atSeconds) });

function observationOf(clip: number, given: Partial<Observation> = {}): Observation {
  return {
    ...{ stream: "kitchen", clip, startSeconds: 10 * clip, endSeconds: 10 * clip + 10 },
    ...{ frames: [frameAt(10 * clip), frameAt(10 * clip + 5)], speech: [], captions: [], screen: [] },
    ...{ shots: [], people: [], tiers: {}, problems: [] },
    ...given,
  };
}

function contextOf(given: Partial<Context> = {}, clip: Partial<Observation> = {}): Context {
  return {
    observations: [observationOf(1, clip)],
    recent: { observations: [observationOf(0)], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
    ...given,
  };
}

const said = (text: string) => ({ startSeconds: 12, endSeconds: 13, text, speaker: "Ana" });
const entries = [
  { clip: 0, kind: "episodic" as const, text: "Ana came in." },
  { clip: 0, kind: "episodic" as const, text: "She <system> sat." },
  { clip: 0, kind: "semantic" as const, text: "Ana lives here." },
];
const before = { observations: [observationOf(0)], entries };
const people = [{ id: "face_1", name: null, atSeconds: [11] }];
const contexts: Context[] = [
  contextOf(),
  contextOf({ recent: before, supplement: "Write of keys.\n\n- And {stream}." }, { people }),
  contextOf({}, { frames: [], speech: [said("The keys are {here} & $1.")] }),
  contextOf({ recent: { ...before, observations: [observationOf(0, { frames: [] })] } }, { frames: [] }),
];
const mistakes = [null, { text: "{end} no", problem: "it held no description" }];

const smallest = "=== user ===\n{earlier}\n{stream}\n\n{pictures}\n\n{supplement}\n";
const parse = (text: string, semantic = false) => parsePromptTemplate(text, "own.txt", semantic);
const render = (template: PromptTemplate, context: Context, mistake = mistakes[0]!) =>
  memoryPrompt(context, { semantic: false, countTokens, template }, mistake);
const textsOf = (parts: readonly Part[]) =>
  parts.map((part) => (part.type === "text" ? part.text : part.type));

for (const semantic of [false, true])
  test(`the built-in template, printed and read back, gives the built-in prompt${semantic ? " with knowledge" : ""}`, () => {
    const template = parse(printPromptTemplate(builtInTemplate(semantic)), semantic);
    assert.deepEqual(template, builtInTemplate(semantic));
    const options = { semantic, countTokens };
    for (const pictures of [true, false])
      assert.equal(
        memoryInstructions(pictures, { semantic, template }),
        memoryInstructions(pictures, { semantic }),
      );
    for (const context of contexts)
      for (const mistake of mistakes)
        assert.deepEqual(
          memoryPrompt(context, { ...options, template }, mistake),
          memoryPrompt(context, options, mistake),
        );
    assert.equal(promptHash({ ...options, template }), promptHash(options));
  });

test("the hash of a prompt covers the words of every part of its template", () => {
  const template = builtInTemplate(false);
  const changed: PromptTemplate[] = [
    template,
    { ...template, system: `${template.system} Please.` },
    { ...template, systemWithoutPictures: "Read." },
    { ...template, user: `${template.user} Please.` },
    parse(smallest),
  ];
  const hashes = changed.map((each) => promptHash({ semantic: false, countTokens, template: each }));
  assert.equal(new Set(hashes).size, changed.length);
});

test("a paragraph with an empty place is left out, and a value is never read as a place", () => {
  const template = parse(
    `${smallest}\nWho: {people}\n\nHeading\n\n{earlier_text}\n\nWrong: {problem}\n\n{{stream}} {"a": 1} {Upper}`,
  );
  assert.deepEqual(textsOf(render(template, contexts[0]!)).at(-1), 'Heading\n\n{stream} {"a": 1} {Upper}');
  const [, full] = contexts;
  const last = textsOf(render(template, full!, mistakes[1]!)).at(-1)!;
  assert.match(last, /^Write of keys\.\n\n- And \{stream\}\.\n\nWho: <people>\n<face_1>, no name known/);
  assert.match(
    last,
    /Heading\n\nAna came in\. She ‹system> sat\.\n\nWrong: it held no description\n\n\{stream\}/,
  );
});

test("{pictures} shows each clip's pictures behind a line, {video} all of them as one video", () => {
  const runs = (name: string) =>
    render(parse(smallest.replace("{pictures}", `{${name}}`)), contexts[0]!).flatMap((part) =>
      part.type === "video" ? [part.frames.map(({ atSeconds }) => atSeconds)] : [],
    );
  assert.deepEqual(runs("pictures"), [
    [0, 5],
    [10, 15],
  ]);
  assert.deepEqual(runs("video"), [[0, 5, 10, 15]]);
  const [, , , blind] = contexts;
  for (const name of ["pictures", "video"])
    assert.equal(render(parse(smallest.replace("{pictures}", `{${name}}`)), blind!).length, 1);
});

test("a window without pictures has the system part for it, if the template has one", () => {
  const template = parse(
    `=== system ===\r\nLook.\r\n\r\n=== system without pictures ===\r\nRead.\r\n${smallest}`,
  );
  const system = (pictures: boolean, of = template) =>
    memoryInstructions(pictures, { semantic: false, template: of });
  assert.deepEqual([system(true), system(false)], ["Look.", "Read."]);
  const { system: look, user } = template;
  assert.equal(system(false, { system: look, user }), "Look.");
});

test("every wrong place is named with its line, and so is what is missing", () => {
  const issuesOf = (text: string, semantic = false): string[] => {
    try {
      parse(text, semantic);
      return [];
    } catch (error) {
      assert.equal((error as { code: string }).code, "prompt-template-invalid");
      assert.match((error as Error).message, /in own\.txt, got \d+ wrong:/);
      return (error as Error).message.split("\n").slice(1, -1);
    }
  };
  assert.deepEqual(issuesOf(smallest), []);
  const one = (text: string, expected: RegExp, semantic = false) => {
    const issues = issuesOf(text, semantic);
    assert.equal(issues.length, 1, issues.join("\n"));
    assert.match(issues[0]!, expected);
  };
  one(
    `note\n\n${smallest}\nHere: {straem}`,
    /^ {2}line 11: \{straem\} is no place; there are \{start\}, .*\{video\}/,
  );
  one(
    smallest.replace("{stream}", "{streams}").replace("{earlier}", "{earlier}{stream}"),
    /line 3: \{streams\}/,
  );
  one(smallest.replace("{supplement}", ""), /^ {2}line 1: this part needs \{supplement\}$/);
  one(smallest.replace("{pictures}", ""), /needs \{pictures\} or \{video\}$/);
  one(smallest.replace("{earlier}", ""), /needs \{earlier\} or \{earlier_text\}$/);
  one(smallest, /line 1: this part needs \{known\}$/, true);
  one(`${smallest}\n\n{video}`, /line 10: \{video\} shows the pictures a second time/);
  one(
    smallest.replace("{pictures}", "Look: {pictures}"),
    /line 5: \{pictures\} needs a paragraph of its own/,
  );
  one(`=== system ===\n\nOf {start}\n${smallest}`, /line 3: \{start\} stands in the system part/);
  one(`${smallest}=== users ===\n`, /line 8: expected each of the parts .* once, got users/);
  one(`=== system ===\n${smallest}=== system ===\n`, /line 9: expected each of the parts/);
  one("Describe the clip.", /the part === user === is missing/);
  assert.equal(issuesOf("=== user ===\n{a}\n{b}").length, 6);
});

test("a clip in which somebody speaks says so, where no words of it are known", () => {
  const heard = [
    { kind: "speech" as const, startSeconds: 12, endSeconds: 18 },
    { kind: "sound" as const, startSeconds: 0, endSeconds: 10 },
  ];
  const clip = { startSeconds: 10, endSeconds: 20, speech: [], captions: [], screen: [], heard };
  const parts = memoryPrompt(contextOf({}, clip), { semantic: false, countTokens: () => 1 });
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  assert.match(text, /\[00:00:12\] heard: Somebody speaks for 6 s\./);
  assert.doesNotMatch(text, /Music/);
});
