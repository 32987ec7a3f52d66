/**
 * Places the packets of one live connection on the stream's clock.
 *
 * A source may tell the stream time of its packets itself (a playlist with dates). Where it does not:
 * The first packet is now, and later ones keep their distance to it. Two things end that: a leap of the packets' own
 * times (a camera that started again, a counter that started over), after which they continue where the time that passed
 * since puts them; and a stream that falls behind the clock. Pure: it is told what time it is.
 */

/** Packets this far behind the clock are placed again. Seconds. */
const mostLagSeconds = 30;
/** Packets that stay behind by the first for the second are placed again: what was late has not caught up. Seconds. */
const lag = { leastSeconds: 5, forSeconds: 10 };

/** What a source tells is followed if it is this far from where the packets would be otherwise. Seconds. */
const leastToldSeconds = 1;
/** What a source tells may lie this far before what is covered: playlists begin with what was there before. Seconds. */
const mostRepeatedSeconds = 180;

/** A packet's place. */
export interface Place {
  readonly atSeconds: number;
  /** Whether it does not follow on what came before. */
  readonly isBreak: boolean;
}

/** What is known of a connection before its packets. */
export interface PacketClockOptions {
  /** Up to where the stream is covered: no new packet is placed before this. Seconds of stream time. */
  readonly coveredTo: number;
  /**
   * More than this between two packets, beyond the time that passed, is a leap; longer for a source whose packets come
   * in bursts. Seconds. @default 5
   */
  readonly leapSeconds?: number;
  /** Whether the source tells the time of every packet, by a clock that may differ from ours. @default false */
  readonly isDated?: boolean;
}

/** The clock of one connection. */
export class PacketClock {
  #offset: number | null = null;
  /** Greatest packet time so far, and the stream time at which it came. */
  #reached = 0;
  #reachedAt = 0;
  #lateSince: number | null = null;
  #coveredTo: number;
  readonly #leapSeconds: number;
  readonly #isDated: boolean;

  constructor({ coveredTo, leapSeconds = 5, isDated = false }: PacketClockOptions) {
    this.#coveredTo = coveredTo;
    this.#leapSeconds = leapSeconds;
    this.#isDated = isDated;
  }

  /**
   * Stream time of a packet that comes at `nowSeconds` with the time `packetSeconds`.
   * @param toldSeconds its stream time by the source itself, if that is known. Then the first packets may lie before
   * what is covered
   */
  place(packetSeconds: number, nowSeconds: number, toldSeconds: number | null = null): Place {
    if (this.#offset === null) {
      const isUsable = toldSeconds !== null && toldSeconds > this.#coveredTo - mostRepeatedSeconds;
      if (isUsable) this.#restart(toldSeconds, packetSeconds, nowSeconds);
      else this.#restart(Math.max(nowSeconds, this.#coveredTo), packetSeconds, nowSeconds);
      return { atSeconds: this.#offset! + packetSeconds, isBreak: true };
    }
    if (toldSeconds !== null) return this.#follow(toldSeconds, packetSeconds, nowSeconds);
    const step = packetSeconds - this.#reached;
    const passed = Math.max(0, nowSeconds - this.#reachedAt);
    const isLeap = step < -this.#leapSeconds || step > passed + this.#leapSeconds;
    const isLate = this.#isLate(this.#offset + packetSeconds, nowSeconds);
    const isBreak = isLeap || isLate;
    if (isBreak) {
      const following = this.#offset + this.#reached + passed;
      const target = isLate || nowSeconds - following > mostLagSeconds ? nowSeconds : following;
      this.#restart(Math.max(target, this.#coveredTo), packetSeconds, nowSeconds);
    } else if (step > 0) {
      this.#reached = packetSeconds;
      this.#reachedAt = nowSeconds;
    }
    const atSeconds = this.#offset + packetSeconds;
    this.#coveredTo = Math.max(this.#coveredTo, atSeconds);
    return { atSeconds, isBreak };
  }

  #isLate(atSeconds: number, nowSeconds: number): boolean {
    // A clock of the source's own may differ from ours, and what was there before is late by nature.
    if (this.#isDated || atSeconds < this.#coveredTo - this.#leapSeconds) return false;
    const lagSeconds = nowSeconds - atSeconds;
    if (lagSeconds <= Math.max(lag.leastSeconds, this.#leapSeconds / 2)) this.#lateSince = null;
    else this.#lateSince ??= nowSeconds;
    const lateFor = nowSeconds - (this.#lateSince ?? nowSeconds);
    return lagSeconds > Math.max(mostLagSeconds, this.#leapSeconds) || lateFor > lag.forSeconds;
  }

  #follow(toldSeconds: number, packetSeconds: number, nowSeconds: number): Place {
    const isBreak =
      Math.abs(toldSeconds - (this.#offset! + packetSeconds)) > leastToldSeconds &&
      toldSeconds >= this.#coveredTo;
    if (isBreak) this.#restart(toldSeconds, packetSeconds, nowSeconds);
    const atSeconds = this.#offset! + packetSeconds;
    this.#coveredTo = Math.max(this.#coveredTo, atSeconds);
    return { atSeconds, isBreak };
  }

  #restart(targetSeconds: number, packetSeconds: number, nowSeconds: number): void {
    this.#offset = targetSeconds - packetSeconds;
    this.#reached = packetSeconds;
    this.#reachedAt = nowSeconds;
    this.#lateSince = null;
  }
}
