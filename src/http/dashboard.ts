/** The dashboard: built files that hold no data. What it shows it asks the API for, with the key of whoever looks. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Context, Hono } from "hono";
import { Refused } from "./problem.ts";

interface BuiltFile {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly tag: string;
}

const types: Readonly<Record<string, string>> = {
  ...{ ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" },
  ...{ ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" },
};

/** Nothing is inline and nothing comes from elsewhere; no page of another origin shows it in a frame. */
const policy =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Serves the dashboard at `/ui`, whose views are paths below it. */
// biome-ignore lint/suspicious/noExplicitAny: it stands on no variables of the server
export function addDashboard(app: Hono<any>): void {
  const files = builtFiles();
  app.get("/", (context) => context.redirect("/ui/"));
  app.get("/ui", (context) => context.redirect("/ui/"));
  app.get("/ui/*", (context) => {
    const path = context.req.path.slice("/ui/".length);
    const isAsset = path.startsWith("assets/");
    const file = files?.get(isAsset ? path : "index.html");
    if (!file)
      throw new Refused(
        "not-found",
        files ? "There is no such file" : "The dashboard is not built: npm run build",
      );
    return answer(context, file, isAsset);
  });
}

function answer(context: Context, { plain, packed, type, tag }: BuiltFile, isAsset: boolean): Response {
  const headers = {
    ...{ "content-type": type, etag: tag, vary: "accept-encoding" },
    ...{
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
    // Names of assets are hashes of what they hold.
    "cache-control": isAsset ? "public, max-age=31536000, immutable" : "no-cache",
  };
  if (context.req.header("if-none-match") === tag) return context.body(null, 304, headers);
  const isPacked = /\bgzip\b/.test(context.req.header("accept-encoding") ?? "");
  return context.body(isPacked ? packed : plain, 200, {
    ...headers,
    ...(isPacked && { "content-encoding": "gzip" }),
  });
}

/** The built files by their paths, beside the built server or in `dist` of a checkout; `null` where there are none. */
function builtFiles(): ReadonlyMap<string, BuiltFile> | null {
  const places = [join(import.meta.dirname, "../ui"), join(import.meta.dirname, "../../dist/ui")];
  const folder = places.find((place) => existsSync(join(place, "index.html")));
  if (folder === undefined) return null;
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return new Map(
    names.map((name) => {
      const plain = Uint8Array.from(readFileSync(join(folder, name)));
      const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
      const type = types[extname(name)] ?? "application/octet-stream";
      return [
        name.replaceAll("\\", "/"),
        { plain, packed: Uint8Array.from(gzipSync(plain, { level: 9 })), type, tag },
      ];
    }),
  );
}
