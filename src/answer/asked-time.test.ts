import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock } from "../util/time.ts";
import { askedTime, type StreamTime, spansOf } from "./asked-time.ts";

const daySeconds = 86_400;
const hour = 3600;
/** A stream with dates that begins on Monday 2026-03-02 at midnight and is asked on Friday at noon. */
const dated: StreamTime = {
  clock: { kind: "wall", originMs: Date.UTC(2026, 2, 2) },
  startSeconds: 8 * hour,
  endSeconds: 3 * daySeconds + 20 * hour,
  nowSeconds: 4 * daySeconds + 12 * hour,
};

/** The first span in days and hours: `[day, from hour, to hour]`, day 0 being Monday. */
function span(question: string, stream: StreamTime = dated): readonly number[] | null {
  const asked = askedTime(question);
  const [found] = (asked && spansOf(asked, stream)) ?? [];
  if (!found) return null;
  const day = Math.floor((found.fromSeconds + 600) / daySeconds);
  const hours = [found.fromSeconds, found.toSeconds].map(
    (at) => Math.round(((at - day * daySeconds) / hour) * 100) / 100,
  );
  return [day, ...hours];
}

describe("the time a question is about", () => {
  test("is a day by its date, its weekday or its distance", () => {
    for (const question of [
      "What happened on 2026-03-03?",
      "What happened on March 3?",
      "What happened on the 3rd of March 2026?",
      "What did Ann buy last Tuesday?",
      "What was for lunch on Tuesday?",
      "What happened on the second day?",
      "Was geschah am Dienstag?",
      "Was geschah am 3. März?",
      "¿Qué pasó el martes?",
      "Cosa è successo martedì?",
      "Что было 3 марта?",
    ])
      assert.deepEqual(span(question), [1, 0, 24], question);
    for (const question of [
      "What happened yesterday?",
      "Was passierte gestern?",
      "¿Qué pasó ayer?",
      "昨天发生了什么？",
    ])
      assert.deepEqual(span(question), [3, 0, 24], question);
    assert.deepEqual(span("What happened the day before yesterday?"), [2, 0, 24]);
    assert.deepEqual(span("What happened last Friday?"), [-3, 0, 24]);
    assert.deepEqual(span("What happened on Friday?"), [4, 0, 24]);
  });

  test("is a part of a day, or an hour", () => {
    assert.deepEqual(span("What happened yesterday morning?"), [3, 5, 12]);
    assert.deepEqual(span("Summarise this morning"), [4, 5, 12]);
    assert.deepEqual(span("What happened on Tuesday at noon?"), [1, 11.5, 13.5]);
    assert.deepEqual(span("Who called before noon on Tuesday?"), [1, 0, 11.5]);
    assert.deepEqual(span("What happened after 14:00 on Tuesday?"), [1, 14, 24]);
    // five minutes before to ten after the time, or to the end of the hour
    assert.deepEqual(span("What happened at 09:00?"), [3, 8.92, 9.17]);
    assert.deepEqual(span("What happened at 9 in the evening on Tuesday?"), [1, 20.92, 22]);
    assert.deepEqual(span("What happened at 2 pm on Tuesday?"), [1, 13.92, 15]);
  });

  test("counts days on a day clock, and knows no dates there", () => {
    const days: StreamTime = { ...dated, clock: { kind: "day" } as Clock, nowSeconds: dated.endSeconds };
    assert.deepEqual(span("What did they eat for dinner on day 4?", days), [3, 0, 24]);
    assert.deepEqual(span("What happened yesterday?", days), [2, 0, 24]);
    assert.equal(span("What happened on Tuesday?", days), null);
    assert.equal(span("What happened yesterday?", { ...dated, clock: { kind: "media" } }), null);
  });

  test("may be the last minutes of any stream", () => {
    const media: StreamTime = {
      clock: { kind: "media" },
      startSeconds: 0,
      endSeconds: hour,
      nowSeconds: hour,
    };
    assert.deepEqual(span("What happened in the last ten minutes?", media), [0, 0.83, 1]);
    assert.deepEqual(span("What was said in the past half hour?", media), [0, 0.5, 1]);
  });

  test("is minutes and seconds on a clock that counts from the begin", () => {
    const media = { ...dated, clock: { kind: "media" } as Clock, startSeconds: 0, endSeconds: 600 };
    const at = (question: string) => {
      const [one] = spansOf(askedTime(question)!, media) ?? [];
      return one && [one.fromSeconds, one.toSeconds];
    };
    assert.deepEqual(at("What did Bob say after 1:20?"), [80, 601]);
    assert.deepEqual(at("What did Bob say before 00:01:20?"), [0, 80]);
    assert.equal(at("What did Bob say after 11:00?"), undefined, "it ends before that");
    assert.equal(at("What did Bob say before 5 pm?"), undefined);
  });

  test("leaves the rest of the question", () => {
    const rest = (question: string) => askedTime(question)?.rest;
    assert.equal(rest("What did Ann buy last Tuesday?"), "What did Ann buy?");
    assert.equal(rest("Where was the car on Monday at noon?"), "Where was the car?");
    assert.equal(rest("What happened on 2026-03-03?"), "What happened?");
  });

  test("is not found where none is named", () => {
    for (const question of [
      "How long is it?",
      "What may Ann do?",
      "How many of the last ten were red?",
      "What is on next Tuesday?",
      "What does Ann drink in the morning?",
      "Wer ist hier?",
      "What is on March Street?",
    ])
      assert.equal(askedTime(question), null, question);
  });
});
