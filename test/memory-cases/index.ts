/** The cases that every store of memories passes. */
import type { TestStore } from "../support/store.ts";
import { adapterCases } from "./adapter.ts";
import { changeCases } from "./change.ts";
import { entriesCases } from "./entries.ts";
import { fileCases } from "./files.ts";
import { floorCases } from "./floor.ts";
import { forgetCases } from "./forget.ts";
import { journalCases } from "./journal.ts";
import { meaningCases } from "./meaning.ts";
import { overviewCases } from "./overview.ts";
import { pageCases } from "./page.ts";
import { peopleCases } from "./people.ts";
import { recallCases } from "./recall.ts";
import { runningCases } from "./running.ts";
import { strictCases } from "./strict.ts";
import { tombstoneCases } from "./tombstones.ts";
import { voiceCases } from "./voices.ts";

/** Registers all cases for one store. */
export function memoryCases(store: TestStore): void {
  journalCases(store);
  entriesCases(store);
  recallCases(store);
  meaningCases(store);
  adapterCases(store);
  fileCases(store);
  floorCases(store);
  forgetCases(store);
  overviewCases(store);
  pageCases(store);
  peopleCases(store);
  runningCases(store);
  voiceCases(store);
  changeCases(store);
  strictCases(store);
  tombstoneCases(store);
}
