import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOfPeople, askedOfWhole } from "./asked.ts";

const of = (text: string) => askedOfWhole({ text, options: [] })?.of ?? null;

test("recognises questions about the whole and about the recording", () => {
  const asked: Record<string, readonly string[]> = {
    overview: [
      "What is the video about?",
      "What's this about?",
      "What happened?",
      "What happens in the clip?",
      "What happened in the last ten minutes?",
      "What did I miss?",
      "What was said?",
      "What was discussed at the beginning?",
      "Summarise the last ten minutes",
      "Summarize the video.",
      "Give me a short summary of the meeting",
      "What do you remember?",
      "Describe the video",
    ],
    length: [
      "How long is it?",
      "How long is the video?",
      "How long does it last?",
      "What is the duration of the film?",
    ],
    date: ["When was it recorded?", "When was this video filmed?", "On which day was it recorded?"],
    sound: ["Is there sound?", "Is there any audio in the video?", "Does it have sound?"],
    speech: ["Is there speech?", "Does anyone speak?", "Is anyone talking?", "Does anyone say anything?"],
    motion: ["Does anything move?"],
    light: ["Is it dark?", "Is it day or night?"],
    shots: ["How many shots are there?"],
    size: ["What is the resolution?"],
  };
  for (const [expected, texts] of Object.entries(asked))
    for (const text of texts) assert.equal(of(text), expected, text);
});

test("leaves questions about something in it to the reader", () => {
  for (const text of [
    "What happened to the kettle?",
    "What is the meeting room about to be used for?",
    "How long does Ann boil the eggs?",
    "When was the bridge built?",
    "Who speaks first?",
    "Is there sound in the kitchen?",
    "Does anyone speak to Bob?",
    "What did Ann say about the video?",
    "Where was the telescope filmed?",
    "What is the name of the film?",
  ])
    assert.equal(of(text), null, text);
  assert.equal(askedOfWhole({ text: "What happened?", options: [{ letter: "A", text: "x" }] }), null);
});

test("tells the part that is asked about", () => {
  const partOf = (text: string) => askedOfWhole({ text, options: [] })?.part;
  assert.deepEqual(partOf("Summarise the last ten minutes"), { from: "end", seconds: 600 });
  assert.deepEqual(partOf("What happened in the last hour?"), { from: "end", seconds: 3600 });
  assert.deepEqual(partOf("What happens in the first 30 seconds of the video?"), {
    from: "start",
    seconds: 30,
  });
  assert.deepEqual(partOf("What happened at the end?"), { from: "end", seconds: 60 });
  assert.deepEqual(partOf("What was said at the very beginning?"), { from: "start", seconds: 60 });
  assert.equal(partOf("What happened?"), null);
});

test("recognises who was there, and when one was", () => {
  const people = (text: string) => askedOfPeople({ text, options: [] });
  for (const text of [
    "Who was there?",
    "Who is in the picture?",
    "Who did you see?",
    "How many people were here?",
  ])
    assert.deepEqual(people(text), { of: "people", part: null }, text);
  const named = {
    mia: ["When was Mia here?", "Was Mia there?", "When did you last see Mia?", "When did Mia arrive?"],
    "[person_3]": ["Has [person_3] been seen?"],
  };
  for (const [name, texts] of Object.entries(named))
    for (const text of texts) assert.deepEqual(people(text)?.speakers, [name], text);
  for (const text of [
    "Who was Ann's teacher?",
    "When was the bridge built?",
    "Did Mia see the cat?",
    "Was it Mia?",
  ])
    assert.equal(people(text), null, text);
});
