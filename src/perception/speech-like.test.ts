import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../util/random.ts";
import { listenTo } from "./speech-like.ts";

const rate = 16_000;
const seconds = 6;

/** Samples of a wave, −1 to 1, at each moment in seconds. */
function sound(wave: (t: number) => number): Int16Array {
  return Int16Array.from({ length: seconds * rate }, (_, i) => Math.round(wave(i / rate) * 32_000));
}

const noise = () => {
  const random = seededRandom(7);
  return () => 2 * random() - 1;
};

/**
 * A voice: pulses of a gliding pitch through two resonances for vowels, hiss for consonants, and pauses, five syllables
 * a second.
 */
function voice(pitch: number): Int16Array {
  const hiss = noise();
  let phase = 0;
  const resonators = [650, 1400].map((hz) => ({ hz, a: 0, b: 0 }));
  return sound((t) => {
    const syllable = t * 5;
    const within = syllable % 1;
    phase += (pitch * (1 + 0.2 * Math.sin(2 * Math.PI * 0.7 * t))) / rate;
    const isPulse = phase >= 1;
    if (isPulse) phase -= 1;
    let vowel = 0;
    for (const r of resonators) {
      const decay = 0.97;
      const next =
        2 * decay * Math.cos((2 * Math.PI * r.hz) / rate) * r.a - decay ** 2 * r.b + (isPulse ? 1 : 0);
      [r.a, r.b] = [next, r.a];
      vowel += next;
    }
    if (Math.floor(syllable) % 9 > 6) return 0; // a pause
    if (within < 0.25) return 0.05 * hiss();
    return 0.15 * vowel * Math.sin(Math.PI * ((within - 0.25) / 0.75)) ** 2;
  });
}

const share = (samples: Int16Array) => listenTo(samples).speechSeconds / seconds;

test("voices of low and high pitch sound like speech", () => {
  for (const pitch of [110, 210]) assert.ok(share(voice(pitch)) > 0.6, `${pitch} Hz: ${share(voice(pitch))}`);
});

test("silence, tones, hum, noise, beeps and an engine do not", () => {
  const hiss = noise();
  const others: Record<string, (t: number) => number> = {
    silence: () => 0,
    tone: (t) => 0.5 * Math.sin(2 * Math.PI * 440 * t),
    hum: (t) => 0.1 * Math.sin(2 * Math.PI * 50 * t) + 0.02 * hiss(),
    noise: () => 0.3 * hiss(),
    surf: (t) => 0.3 * hiss() * (0.5 + 0.5 * Math.sin(2 * Math.PI * 4 * t)),
    beeps: (t) => (t % 1 < 0.2 ? 0.5 * Math.sin(2 * Math.PI * 1000 * t) : 0),
    engine: (t) => 0.3 * Math.sign(Math.sin(2 * Math.PI * 90 * t)) + 0.02 * hiss(),
    chord: (t) =>
      0.2 *
      (Math.sin(2 * Math.PI * 262 * t) + Math.sin(2 * Math.PI * 330 * t)) *
      (0.7 + 0.3 * Math.cos(4 * Math.PI * t)),
  };
  for (const [name, wave] of Object.entries(others))
    assert.ok(share(sound(wave)) < 0.1, `${name}: ${share(sound(wave))}`);
});

test("the level is the mean power below full scale", () => {
  // A square wave of half the range has a quarter of the power: −6.02 dB; 32,000 of 32,768 takes another 0.21.
  const half = listenTo(sound((t) => 0.5 * (Math.sin(2 * Math.PI * 100 * t) >= 0 ? 1 : -1)));
  assert.ok(Math.abs(half.levelDb + 6.23) < 0.01, String(half.levelDb));
  assert.deepEqual(listenTo(new Int16Array(rate)), { seconds: 1, levelDb: -100, speechSeconds: 0 });
  assert.deepEqual(listenTo(new Int16Array(0)), { seconds: 0, levelDb: -100, speechSeconds: 0 });
});
