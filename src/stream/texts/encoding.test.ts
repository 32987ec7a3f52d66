import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataError } from "../../errors.ts";
import { decodeText } from "./encoding.ts";

/** Bytes of a text in a legacy encoding: the decoder's own table, read backwards. */
function encoded(text: string, encoding: string): Uint8Array {
  const decoder = new TextDecoder(encoding);
  const table = new Map<string, number[]>();
  for (let lead = 0xff; lead >= 0; lead--) {
    for (let trail = 0xff; trail >= 0x40; trail--) {
      const pair = decoder.decode(Uint8Array.of(lead, trail));
      if ([...pair].length === 1) table.set(pair, [lead, trail]);
    }
    const single = decoder.decode(Uint8Array.of(lead));
    if (single !== "\uFFFD") table.set(single, [lead]);
  }
  return Uint8Array.from([...text].flatMap((character) => table.get(character)!));
}

const asSrt = (line: string) => `1\n00:00:01,000 --> 00:00:03,000\n${line}\n`;

const lines: [language: string, encodings: string, line: string][] = [
  ["ru", "windows-1251 koi8-r ibm866 iso-8859-5", "Мост закрыт до вечера, поезжай через парк"],
  ["uk", "windows-1251 koi8-u", "Міст закрито до вечора, їдь через парк"],
  ["el", "windows-1253 iso-8859-7", "Η γέφυρα είναι κλειστή μέχρι το βράδυ"],
  ["he", "windows-1255", "הגשר סגור עד הערב"],
  ["ar", "windows-1256", "الجسر مغلق حتى المساء"],
  ["th", "windows-874", "สะพานปิดจนถึงเย็น"],
  ["pl", "windows-1250 iso-8859-2", "Most jest zamknięty, jedź później przez łąkę"],
  ["cs", "windows-1250 iso-8859-2", "Most je zavřený, přijeďte večer přes náměstí"],
  ["tr", "windows-1254", "Köprü akşama kadar kapalı, şimdi çıkıp parktan geçiniz"],
  ["fr", "windows-1252", "Le pont est fermé jusqu'à ce soir, désolé"],
  ["es", "windows-1252", "¿Está cerrado el puente? Sí, hasta mañana"],
  ["zh", "gb18030", "大桥关闭到晚上，我们从公园走"],
  ["zh", "big5", "大橋關閉到晚上，我們從公園走"],
  ["ja", "shift_jis euc-jp", "橋は夕方まで閉まっています"],
  ["ko", "euc-kr", "다리는 저녁까지 닫혀 있어요"],
];
for (const [language, encodings, line] of lines) {
  for (const encoding of encodings.split(" ")) {
    test(`${encoding} in ${language} is told by its letters, and by the language of its name`, () => {
      const bytes = encoded(asSrt(line), encoding);
      assert.equal(decodeText(bytes), asSrt(line));
      assert.equal(decodeText(bytes, { language }), asSrt(line));
    });
  }
}

test("UTF-8 and UTF-16 are read with and without a mark", () => {
  assert.equal(decodeText(new Uint8Array([0xff, 0xfe, 0x41, 0x00])), "A");
  assert.equal(decodeText(new Uint8Array([0xfe, 0xff, 0x00, 0x41])), "A");
  assert.equal(decodeText(new Uint8Array([0xef, 0xbb, 0xbf, 0x41])), "A");
  assert.equal(decodeText(new TextEncoder().encode("né")), "né");
  const little = Buffer.from(asSrt("Мост закрыт"), "utf16le");
  assert.equal(decodeText(little), asSrt("Мост закрыт"));
  assert.equal(decodeText(Buffer.from(little).swap16()), asSrt("Мост закрыт"));
});

test("Japanese in seven bits is told by its escape sequences", () => {
  // ESC $ B switches to JIS X 0208, in which 24 22 is あ; ESC ( B switches back
  const bytes = Uint8Array.from([0x31, 0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42, 0x32]);
  assert.equal(decodeText(bytes), "1あ2");
});

test("one bad byte in UTF-8 costs one letter", () => {
  const bytes = Buffer.from(asSrt("Most je zavřený večer"));
  bytes[bytes.indexOf("Most")] = 0xff;
  assert.equal(decodeText(bytes), asSrt("\uFFFDost je zavřený večer"));
});

test("a sign or two in English are read as Windows-1252", () => {
  assert.equal(decodeText(new Uint8Array([0x6e, 0xe9])), "né");
  const price = "It costs £5 or ½ of that";
  assert.equal(decodeText(encoded(asSrt(price), "windows-1252")), asSrt(price));
});

test("bytes that look like no language are refused with what to do", () => {
  const noise = Uint8Array.from({ length: 3000 }, (_, i) => ((i * 7919 + ((i * i) % 251)) % 256) | 1);
  assert.throws(
    () => decodeText(noise, { name: "film.srt" }),
    (error: DataError) => error.code === "text-encoding" && /film\.srt.*Save it as UTF-8/.test(error.message),
  );
});
