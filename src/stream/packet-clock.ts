/**
 * Places the packets of one live connection on the stream's clock.
 *
 * The first packet is now, and later ones keep their distance to it. Two things end that: a leap of the packets' own
 * times (a camera that started again, a counter that began anew), after which they go on where the time that passed
 * since puts them; and a stream that falls behind the clock. Pure: it is told what time it is.
 */

/** More than this between two packets, beyond the time that passed, is a leap. Seconds. */
const defaultLeapSeconds = 5;
/** Packets this far behind the clock are placed anew. Seconds. */
const mostLagSeconds = 30;
/** Packets that stay behind by the first for the second are placed anew: what was late has not caught up. Seconds. */
const lag = { leastSeconds: 5, forSeconds: 10 };

/** A packet's place. */
export interface Place {
  readonly atSeconds: number;
  /** Whether it does not follow on what came before. */
  readonly isBreak: boolean;
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

  /**
   * @param coveredTo no packet is placed before this. Seconds of stream time
   * @param leapSeconds more for a source whose packets come in bursts
   */
  constructor(coveredTo: number, leapSeconds = defaultLeapSeconds) {
    this.#coveredTo = coveredTo;
    this.#leapSeconds = leapSeconds;
  }

  /** Stream time of a packet that comes at `nowSeconds` with the time `packetSeconds`. */
  place(packetSeconds: number, nowSeconds: number): Place {
    if (this.#offset === null) {
      this.#anchor(packetSeconds, nowSeconds, nowSeconds);
      return { atSeconds: this.#offset! + packetSeconds, isBreak: true };
    }
    const step = packetSeconds - this.#reached;
    const passed = Math.max(0, nowSeconds - this.#reachedAt);
    const isLeap = step < -this.#leapSeconds || step > passed + this.#leapSeconds;
    const isLate = this.#isLate(nowSeconds - (this.#offset + packetSeconds), nowSeconds);
    const isBreak = isLeap || isLate;
    if (isBreak) {
      const following = this.#offset + this.#reached + passed;
      const target = isLate || nowSeconds - following > mostLagSeconds ? nowSeconds : following;
      this.#anchor(packetSeconds, target, nowSeconds);
    } else if (step > 0) {
      this.#reached = packetSeconds;
      this.#reachedAt = nowSeconds;
    }
    const atSeconds = this.#offset + packetSeconds;
    this.#coveredTo = Math.max(this.#coveredTo, atSeconds);
    return { atSeconds, isBreak };
  }

  #isLate(lagSeconds: number, nowSeconds: number): boolean {
    if (lagSeconds <= lag.leastSeconds) this.#lateSince = null;
    else this.#lateSince ??= nowSeconds;
    const lateFor = nowSeconds - (this.#lateSince ?? nowSeconds);
    return lagSeconds > mostLagSeconds || lateFor > lag.forSeconds;
  }

  #anchor(packetSeconds: number, targetSeconds: number, nowSeconds: number): void {
    this.#offset = Math.max(targetSeconds, this.#coveredTo) - packetSeconds;
    this.#reached = packetSeconds;
    this.#reachedAt = nowSeconds;
    this.#lateSince = null;
  }
}
