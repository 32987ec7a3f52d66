import assert from "node:assert/strict";
import { test } from "node:test";
import { factsBeside, factsOfName, factsOfTitle, stemOf } from "./text-names.ts";

const said = (facts: { language: string | null; role: string } | null) =>
  facts && `${facts.language ?? "?"} ${facts.role}`;

test("names beside a film tell language and use", () => {
  const expected: Record<string, string | null> = {
    "film.srt": "? full",
    "film.en.srt": "en full",
    "film.English.srt": "en full",
    "film.pt-BR.srt": "pt-br full",
    "film.Brazilian Portuguese.srt": "pt-br full",
    "film.german.forced.srt": "de forced",
    "film.Deutsch.srt": "de full",
    "film.en.sdh.srt": "en sdh",
    "film.en.cc.vtt": "en sdh",
    "film.en.hi.srt": "en sdh",
    "film.hi.srt": "hi full",
    "film.commentary.en.ass": "en commentary",
    "film_en.srt": "en full",
    "film (English).srt": "en full",
    "film.eng.default.srt": "en full",
    "film.chs.srt": "zh-hans full",
    "film.final.srt": "? full",
    "film-2.srt": null,
    "filmography.srt": null,
  };
  for (const [name, facts] of Object.entries(expected))
    assert.equal(said(factsBeside(name, "film")), facts, name);
});

test("names alone tell the language at their end, and everyday words are none", () => {
  const expected: Record<string, string> = {
    "talk.en.vtt": "en full",
    "captions_zh-cn.vtt": "zh-cn full",
    "talk.German.forced.srt": "de forced",
    "as-it-is.srt": "? full",
    "The.Way.It.Is.srt": "? full",
    "It.srt": "? full",
    "2019.the.end.srt": "? full",
  };
  for (const [name, facts] of Object.entries(expected)) assert.equal(said(factsOfName(name)), facts, name);
  assert.equal(stemOf("a/talk.German.forced.srt"), "talk");
});

test("titles of tracks tell language and use", () => {
  assert.equal(said(factsOfTitle("English (SDH)")), "en sdh");
  assert.equal(said(factsOfTitle("Signs & Songs")), "? forced");
  assert.equal(said(factsOfTitle("Director's Commentary")), "? commentary");
  assert.equal(said(factsOfTitle("Deutsch [Forced]")), "de forced");
});
