/** The cases that every store of memories passes. */
import type { TestStore } from "../../test/support/store.ts";
import { adapterCases } from "./adapter-cases.ts";
import { changeCases } from "./change-cases.ts";
import { entriesCases } from "./entries-cases.ts";
import { forgetCases } from "./forget-cases.ts";
import { journalCases } from "./journal-cases.ts";
import { pageCases } from "./page-cases.ts";
import { recallCases } from "./recall-cases.ts";
import { strictCases } from "./strict-cases.ts";

/** Registers all cases for one store. */
export function memoryCases(store: TestStore): void {
  journalCases(store);
  entriesCases(store);
  recallCases(store);
  adapterCases(store);
  forgetCases(store);
  pageCases(store);
  changeCases(store);
  strictCases(store);
}
