import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, formatMoment, formatSeconds, formatTenths, parseMoment } from "./time.ts";

const wall: Clock = { kind: "wall", originMs: Date.UTC(2026, 10, 23, 8, 0, 0) };

test("formats seconds with hours that grow past 24", () => {
  assert.equal(formatSeconds(3725.9), "01:02:05");
  assert.equal(formatSeconds(100 * 3600), "100:00:00");
  assert.equal(formatTenths(3725.96), "01:02:05.9");
  assert.equal(formatTenths(0.3), "00:00:00.3");
  assert.equal(formatSeconds(-1), "00:00:00");
});

test("formats a moment on each clock", () => {
  assert.equal(formatMoment(80, { kind: "media" }), "00:01:20");
  // Day 2, 11:09:42 = 86400 + 11·3600 + 9·60 + 42
  assert.equal(formatMoment(86_400 + 40_182, { kind: "day" }), "DAY2 11:09:42");
  assert.equal(formatMoment(61, wall), "2026-11-23 08:01:01");
  // Beyond every date.
  assert.equal(formatMoment(1e300, wall), "+275760-09-13 00:00");
});

test("reads back every moment it formats", () => {
  for (const clock of [{ kind: "media" }, { kind: "day" }, wall] as Clock[]) {
    for (const seconds of [0, 59, 3600, 86_399, 86_400, 200_000]) {
      assert.equal(parseMoment(formatMoment(seconds, clock), clock), seconds, `${clock.kind} ${seconds}`);
    }
  }
});

test("reads seconds, short clock times and fractions, and refuses other texts", () => {
  const media: Clock = { kind: "media" };
  assert.equal(parseMoment("83.5", media), 83.5);
  assert.equal(parseMoment("2:05", media), 125);
  assert.equal(parseMoment("00:00:01.25", media), 1.25);
  assert.equal(parseMoment("day3 00:00:01", { kind: "day" }), 172_801);
  for (const nonsense of ["", "noon", "1:75", "00:60:00", "DAY2 11:00:00", "-5"]) {
    assert.equal(parseMoment(nonsense, media), null, nonsense);
  }
  assert.equal(parseMoment("2026-11-23T09:00:00+01:00", wall), 0);
});
