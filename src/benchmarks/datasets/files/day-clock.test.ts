import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, hourOf, momentOf, targetMoments } from "./day-clock.ts";

const day = 86_400;

test("reads a day and a time, clamping frames past the 20 of a second", () => {
  // 10:20:30 and frame 17 of 20: 10·3600 + 20·60 + 30 + 0.85
  assert.equal(momentOf("DAY1", "10203017"), 37_230.85);
  assert.equal(momentOf("DAY2", "00000000"), day);
  assert.equal(momentOf("Day1", "10203056"), 37_230.95);
});

test("refuses what is no day or no time", () => {
  for (const [date, time] of [
    ["DAY0", "10203017"],
    ["MONDAY", "10203017"],
    ["DAY1", "1020301"],
    ["DAY1", "24000000"],
    ["DAY1", "10610000"],
    ["DAY1", "10006000"],
  ] as const) {
    assert.equal(momentOf(date, time), null, `${date} ${time}`);
  }
});

test("reads the four forms of a target time, in order of time", () => {
  assert.deepEqual(targetMoments({ date: "DAY1", time: "01000000" }), [3600]);
  assert.deepEqual(targetMoments({ date: "DAY1", time_list: ["02000000", "01000000"] }), [3600, 7200]);
  assert.deepEqual(targetMoments({ date: "DAY1", time: "01000000DAY1_02000010" }), [3600, 7200.5]);
  assert.deepEqual(targetMoments({ date: "DAY1", time: "01000000DAY2_00000000Day3_00010000" }), [
    3600,
    day,
    2 * day + 60,
  ]);
});

test("a target with one unreadable time, or none, is unreadable", () => {
  assert.equal(targetMoments({ date: "DAY1", time: "01000000DAY1_99000000" }), null);
  assert.equal(targetMoments({ date: "DAY1", time_list: [] }), null);
  assert.equal(targetMoments({ date: "DAY1" }), null);
});

test("days are counted from 1, hours from 0", () => {
  assert.equal(dayOf(0), 1);
  assert.equal(dayOf(2 * day - 1), 2);
  assert.equal(hourOf(3599), 0);
  assert.equal(hourOf(day), 24);
});
