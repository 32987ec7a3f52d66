/** Packets of a live connection keep their distances; leaps and lasting lag place them again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketClock } from "./packet-clock.ts";

/** Places packets given as `[packet time, time of arrival]`. */
function placed(packets: readonly (readonly [number, number])[], clock = new PacketClock({ coveredTo: 0 })) {
  return packets.map(([at, now]) => clock.place(at, now));
}

test("the first packet is now, and later ones keep their distance to it", () => {
  const places = placed([
    [1000, 20],
    [1001, 21.4],
    [1002, 21.9],
  ]);
  assert.deepEqual(places, [
    { atSeconds: 20, isBreak: true },
    { atSeconds: 21, isBreak: false },
    { atSeconds: 22, isBreak: false },
  ]);
});

test("a counter that starts over, and a jump of hours, continue where the time that passed puts them", () => {
  for (const leap of [0, 1000 + 2 * 3600, 1000 - 3600]) {
    const places = placed([
      [1000, 20],
      [1001, 21],
      [leap, 24],
      [leap + 1, 25],
    ]);
    assert.deepEqual(
      places.map(({ atSeconds }) => atSeconds),
      [20, 21, 24, 25],
      `leap to ${leap}`,
    );
    assert.deepEqual(
      places.map(({ isBreak }) => isBreak),
      [true, false, true, false],
    );
  }
});

test("a backlog that is caught up with is no leap; one that stays is placed again", () => {
  // Silent from 21 to 29, then all that was held back.
  const caughtUp = placed([
    [0, 20],
    [1, 21],
    [2, 29],
    [5, 29.1],
    [9, 29.2],
    [20, 40],
    [21, 41],
  ]);
  assert.ok(caughtUp.slice(1).every(({ isBreak }) => !isBreak));
  // Silent for 9 s, and the source never sends what it saw then.
  const lost = placed([[0, 20], [1, 21], ...Array.from({ length: 20 }, (_, i) => [2 + i, 30 + i] as const)]);
  const breaks = lost.flatMap(({ isBreak }, i) => (isBreak ? [i] : []));
  // Late since second 30, for more than ten seconds at 41.
  assert.deepEqual(breaks, [0, 13]);
  assert.equal(lost[13]!.atSeconds, 41);
});

test("no packet is placed before what was there before", () => {
  const [first] = placed([[5, 10]], new PacketClock({ coveredTo: 30 }));
  assert.equal(first!.atSeconds, 30);
});
