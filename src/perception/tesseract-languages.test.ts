import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram } from "../util/program.ts";
import { chooseLanguages, installedLanguages } from "./tesseract-languages.ts";

const installed = ["chi_sim", "chi_tra", "deu", "eng", "jpn", "osd", "script/Latin"];

test("reads in the languages that are wanted, best first, under tesseract's names", () => {
  const cases: [string[], string[]][] = [
    [["de"], ["deu"]],
    [
      ["de-AT", "en"],
      ["deu", "eng"],
    ],
    [["zh"], ["chi_sim"]],
    [["zh-Hant-TW"], ["chi_tra"]],
    [["zh_TW"], ["chi_tra"]],
    [["deu"], ["deu"]],
    [["en", "eng"], ["eng"]],
  ];
  for (const [wanted, use] of cases)
    assert.deepEqual(chooseLanguages(wanted, installed), { use, missing: [] }, wanted.join());
});

test("names the package of a language that is missing, and reads the rest", () => {
  assert.deepEqual(chooseLanguages(["fr", "ja", "sr-Latn", "tlh-x"], installed), {
    use: ["jpn"],
    missing: [
      { tag: "fr", package: "tesseract-ocr-fra" },
      { tag: "sr-Latn", package: "tesseract-ocr-srp-latn" },
      { tag: "tlh-x", package: "tesseract-ocr-tlh" },
    ],
  });
  assert.deepEqual(chooseLanguages(["fr"], installed).use, ["eng"]);
});

test("asked for none, reads English and a few others that are installed", () => {
  assert.deepEqual(chooseLanguages([], installed).use, ["eng", "chi_sim", "chi_tra"]);
  assert.deepEqual(chooseLanguages([], ["deu", "osd"]).use, ["deu"]);
  assert.deepEqual(chooseLanguages([], []).use, ["eng"]);
});

test("asks tesseract what is installed", {
  skip: findProgram("tesseract") === null && "tesseract is not installed",
}, () => {
  assert.ok(installedLanguages(findProgram("tesseract")!, process.env).includes("eng"));
  assert.deepEqual(installedLanguages("/nowhere/tesseract", process.env), []);
});
