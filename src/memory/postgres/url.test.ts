/** URLs of memories in Postgres. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, type StoreError } from "../../errors.ts";
import { folderOf } from "../folder.ts";
import { shownPlace } from "../place.ts";
import { inPostgresWords } from "./errors.ts";
import { parsePostgresUrl } from "./url.ts";

test("the space and the connections are taken out of the query, the rest is the driver's", () => {
  const url = parsePostgresUrl(
    "postgres://ann@db.example:5433/home?sslmode=require&space=kitchen&connections=3",
  );
  assert.equal(url.connection, "postgres://ann@db.example:5433/home?sslmode=require");
  assert.deepEqual([url.schema, url.connections], ["taskmem_kitchen", 3]);
  assert.equal(parsePostgresUrl("postgresql://localhost/home").space, "default");
});

test("no password is in what is shown, in errors, or in the name of the folder", () => {
  const place = "postgres://ann:s3cret-w0rd@db.example/home?space=kitchen";
  assert.equal(shownPlace(place), "postgres://ann@db.example/home?space=kitchen");
  assert.equal(folderOf(place), folderOf(shownPlace(place)));
  const refused = Object.assign(new Error('password "s3cret-w0rd" failed'), { code: "28P01" });
  const error = inPostgresWords(shownPlace(place), refused) as StoreError;
  assert.equal(error.code, "store-unopenable");
  assert.doesNotMatch(`${error.message} ${error.cause}`, /s3cret/);
});

test("a URL with a wrong part is refused with what was expected", () => {
  for (const [text, what] of [
    ["postgres://h/db?space=Küche", /`space` to be up to 48 small letters/],
    ["postgres://h/db?space=a%22;drop", /`space`/],
    ["postgres://h/db?connections=1", /`connections` to be an integer from 2 up, got 1/],
    ["mysql://h/db", /Expected postgres:\/\/user@host/],
  ] as const)
    assert.throws(
      () => parsePostgresUrl(text),
      (error) =>
        error instanceof ConfigError && error.code === "memory-url-invalid" && what.test(error.message),
    );
});
