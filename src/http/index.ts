/** Memories over HTTP, a space for each user, with keys. */
export type { SharedTexts } from "../memory/root.ts";
export { type Key, Keys, type NewKey, type Scope, scopes } from "./keys.ts";
export { type JsonObject, openApi } from "./openapi.ts";
export type { Problem } from "./problem.ts";
export { type Served, type ServeOptions, serve } from "./server.ts";
export type { SpaceOptions } from "./spaces.ts";
