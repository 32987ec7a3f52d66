/**
 * What models cost, kept in the memory by day and stream. It is written every few seconds and when the memory closes: a kill
 * loses what was not written yet, which is a sum for people, and nothing that was acknowledged.
 */
import { addCost, type Cost } from "../engine.ts";
import { StoreError } from "../errors.ts";
import type { Memory, Spent } from "../memory/memory.ts";
import type { Policy } from "../policy/policy.ts";

/** Costs are written this long after those before them, in milliseconds. */
const writtenEveryMs = 5000;

/** The costs of one memory that are not written yet. */
export class Spending {
  readonly #memory: Pick<Memory, "addSpent">;
  readonly #now: () => number;
  readonly #open = new Map<string, Spent>();
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  constructor(memory: Pick<Memory, "addSpent">, now: () => number) {
    this.#memory = memory;
    this.#now = now;
  }

  /** Adds what calls cost; what no model was asked for costs nothing. */
  async add(spent: Omit<Spent, "atMs">): Promise<void> {
    if (spent.cost.calls === 0) return;
    const { stream, purpose } = spent;
    const key = JSON.stringify([stream, purpose]);
    const before = this.#open.get(key);
    const atMs = this.#now();
    this.#open.set(key, { ...spent, atMs, cost: before ? addCost(before.cost, spent.cost) : spent.cost });
    if (atMs - this.#writtenAtMs >= writtenEveryMs) await this.write();
  }

  /** Writes them. What cannot be kept, because the memory cannot be written or its stream was forgotten, is dropped. */
  async write(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#writtenAtMs = this.#now();
    for (const spent of open) {
      try {
        await this.#memory.addSpent(spent);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
  }
}

/** The policy, whose decisions cost what is added to the spending. */
export function spendingPolicy(policy: Policy, spending: Spending): Policy {
  return {
    ...policy,
    decide: async (context, options) => {
      const result = await policy.decide(context, options);
      const stream = context.observations[0]?.stream ?? null;
      await spending.add({ stream, purpose: "write", cost: result.cost });
      return result;
    },
  };
}

/** What was spent between two readings of a sum. */
export function costBetween(before: Cost, after: Cost): Cost {
  const [from, to] = [before.pricedBy, after.pricedBy];
  return {
    calls: after.calls - before.calls,
    promptTokens: after.promptTokens - before.promptTokens,
    completionTokens: after.completionTokens - before.completionTokens,
    usd: after.usd - before.usd,
    ...(to && {
      pricedBy: {
        server: to.server - (from?.server ?? 0),
        table: to.table - (from?.table ?? 0),
        none: to.none - (from?.none ?? 0),
      },
    }),
  };
}
