/**
 * Pictograms of the household's things, as paths on a 24 × 24 grid.
 *
 * They are bold, with few strokes and no two alike: each must be recognisable at 50 pixels after a video codec.
 */
const circle = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
const box = (x: number, y: number, w: number, h: number) => `M${x} ${y}h${w}v${h}h${-w}z`;

/** SVG paths by word, filled by the even-odd rule: a shape within a shape is a hole. */
export const glyphs: Readonly<Record<string, string>> = {
  // Objects.
  keys: circle(7, 8, 5) + circle(7, 8, 2) + "M10 10l11 11h-4l-2-2v-2h-2l-6-5z",
  phone: box(7, 1, 10, 22) + box(9, 4, 6, 13) + circle(12, 20, 1),
  wallet: box(2, 6, 20, 14) + box(14, 11, 8, 4) + circle(17, 13, 1),
  book: "M2 4q5-2 10 1q5-3 10-1v16q-5-2-10 1q-5-3-10-1z" + box(11.4, 6, 1.2, 13),
  mug: "M3 5h14v3h2a3 3 0 0 1 3 3v2a3 3 0 0 1-3 3h-2v5h-14z" + "M17 10h2a1 1 0 0 1 1 1v2a1 1 0 0 1-1 1h-2z",
  hat: "M6 16v-9q6-6 12 0v9h5v4h-22v-4z" + box(6, 12, 12, 2),
  letter: box(1, 5, 22, 14) + "M3 7l9 7l9-7h-2.5l-6.5 5l-6.5-5z",
  torch: "M2 9h11l4-3h5v12h-5l-4-3h-11z" + box(5, 10.5, 3, 3),
  pills:
    "M2 16a5 5 0 0 1 0-7l7-7a5 5 0 0 1 7 7l-7 7a5 5 0 0 1-7 0z" +
    "M5 9l6 6l1.2-1.2l-6-6z" +
    circle(18.5, 18, 4.5) +
    box(15, 17.4, 7, 1.2),
  scissors:
    circle(6, 19, 4) +
    circle(6, 19, 2) +
    circle(18, 19, 4) +
    circle(18, 19, 2) +
    "M7 16l9-15h3l-9.5 16z" +
    "M17 16l-9-15h-3l9.5 16z",
  // Places.
  desk: box(1, 8, 22, 3) + box(3, 11, 3, 11) + box(12, 11, 9, 8) + box(14, 13, 5, 1.5),
  shelf: box(2, 2, 3, 20) + box(19, 2, 3, 20) + box(5, 5, 14, 2) + box(5, 12, 14, 2) + box(5, 19, 14, 2),
  bed: "M1 5h3v9h19v7h-3v-3h-16v3h-3z" + circle(8, 10.5, 3) + box(12, 8.5, 11, 4.5),
  sofa: "M4 6h16v5h-2v4h-12v-4h-2z" + "M1 10h4v6h14v-6h4v10h-22z",
  bench:
    box(1, 5, 22, 2.5) + box(1, 9, 22, 2.5) + box(1, 14, 22, 2.5) + box(3, 16.5, 3, 6) + box(18, 16.5, 3, 6),
  stove: box(3, 2, 18, 20) + circle(8, 6, 2) + circle(16, 6, 2) + box(6, 11, 12, 8) + box(8, 13, 8, 4),
  piano:
    box(1, 6, 22, 13) +
    box(3, 11, 18, 6) +
    box(6, 11, 2, 4) +
    box(11, 11, 2, 4) +
    box(16, 11, 2, 4) +
    box(2, 19, 3, 4) +
    box(19, 19, 3, 4),
  fridge: box(6, 1, 12, 22) + box(7, 8, 10, 1) + box(8, 4, 1.5, 3) + box(8, 10.5, 1.5, 5),
  // Garments; drawn in their colour.
  shirt: "M8 3l4 3l4-3l7 4l-3 6l-3-1.5v10h-10v-10l-3 1.5l-3-6z",
  coat: "M8 2h8l5 4l2 12h-4l-1-7v12h-12v-12l-1 7h-4l2-12z" + box(11.5, 6, 1, 16),
  scarf:
    "M3 3q9 6 18 0v5q-3 3-6 3.6l3.5 8.4h-4.5l-2-5.5l-2 5.5h-4.5l3.5-8.4q-3-0.6-6-3.6zM5.5 21h1.5v2h-1.5zM8.5 21h1.5v2h-1.5zM14 21h1.5v2h-1.5zM17 21h1.5v2h-1.5z",
  skirt: "M7 3h10l6 18h-22z" + box(7, 5, 10, 1),
  cap: "M2 15q0-10 10-10q9 0 9 9l3 4h-9q-6-3-13-3z",
  // Displays.
  clock: circle(12, 12, 11) + circle(12, 12, 8.5) + "M11 6h2v5.5l4 2.5l-1 1.7l-5-3z",
  oven:
    box(2, 2, 20, 20) +
    box(4, 8, 16, 12) +
    box(6, 10, 12, 8) +
    circle(7, 5, 1.2) +
    circle(12, 5, 1.2) +
    circle(17, 5, 1.2),
  radio: "M2 9l15-7l1 2l-10 5h14v13h-20z" + circle(8, 15.5, 4) + box(14, 12, 6, 2) + box(14, 17, 6, 2),
  heater:
    box(1, 5, 22, 3) +
    box(1, 17, 22, 3) +
    box(2, 8, 3, 9) +
    box(7.5, 8, 3, 9) +
    box(13, 8, 3, 9) +
    box(18.5, 8, 3, 9),
  printer:
    box(6, 1, 12, 6) +
    box(1, 8, 22, 9) +
    circle(19, 11, 1.2) +
    box(6, 14, 12, 9) +
    box(8, 17, 8, 1.2) +
    box(8, 19.6, 8, 1.2),
  microwave:
    box(1, 4, 22, 16) +
    box(3, 6, 13, 12) +
    "M5 12q2-4 4 0t4 0v2q-2 4-4 0t-4 0z" +
    box(18, 7, 3, 2) +
    box(18, 11, 3, 2) +
    box(18, 15, 3, 2),
  timer: box(9, 0, 6, 3) + circle(12, 14, 9.5) + "M12 14v-7a7 7 0 0 1 7 7z",
  tablet: box(1, 4, 22, 16) + box(4, 6, 16, 12) + circle(2.5, 12, 0.7),
  watch:
    box(8, 0, 8, 6) +
    box(8, 18, 8, 6) +
    circle(12, 12, 7.5) +
    circle(12, 12, 5) +
    "M11.3 8.5h1.4v4h3v1.4h-4.4z",
  boiler:
    "M6 3q6-4 12 0v16q-6 4-12 0z" +
    circle(12, 8, 3) +
    box(8, 21, 2, 3) +
    box(14, 21, 2, 3) +
    box(9, 14, 6, 1.5),
  scale:
    box(2, 10, 20, 12) +
    "M6 18a6 6 0 0 1 12 0z" +
    box(11.4, 13.5, 1.2, 4) +
    box(4, 5, 16, 2.5) +
    box(10.5, 7, 3, 3),
  alarm:
    circle(12, 13, 9) +
    circle(12, 13, 6.5) +
    "M11 8.5h2v4h3.5v2h-5.5z" +
    "M1 6l5-5l2 2l-5 5z" +
    "M23 6l-5-5l-2 2l5 5z" +
    "M5 20l2 2l-2 2l-2-2z" +
    "M19 20l2 2l-2 2l-2-2z",
  // What people do.
  cleans: box(11, 0, 2.5, 13) + "M7 13h10l3 10h-16z" + box(9, 17, 1, 6) + box(14, 17, 1, 6),
  cooks:
    "M3 10h18v8q0 4-4 4h-10q-4 0-4-4z" +
    box(0, 12, 3, 2.5) +
    box(21, 12, 3, 2.5) +
    "M7 8q-2-3 0-6h2q-2 3 0 6z" +
    "M13 8q-2-3 0-6h2q-2 3 0 6z",
  dances: circle(9, 18.5, 4) + box(11, 3, 2.5, 16) + "M11 3l9-2v6l-9 2z",
  paints:
    "M12 1a11 11 0 1 0 0 22q4 0 3-4t3-4q5 0 5-4q-1-10-11-10z" +
    circle(7, 8, 1.8) +
    circle(13, 5.5, 1.8) +
    circle(18, 9.5, 1.8) +
    circle(6, 14.5, 1.8),
  reads: circle(6, 13, 5) + circle(6, 13, 3) + circle(18, 13, 5) + circle(18, 13, 3) + box(10, 12, 4, 2),
  sews:
    "M2 22l15-17a3 3 0 0 1 4 4l-17 15z" +
    "M17.5 6.5l1.5 1.5l-2 2l-1.5-1.5z" +
    "M1 3q6-4 8 2t8 2v2q-9 1-10-3t-6 1z",
  sings: "M9 1h6v12a3 3 0 0 1-6 0z" + "M5 10h2v3a5 5 0 0 0 10 0v-3h2v3q0 6-6 7v2h4v2h-10v-2h4v-2q-6-1-6-7z",
  sleeps:
    "M2 9h9v2.5l-5.5 7h5.5v2.5h-10v-2.5l5.7-7h-4.7z" + "M13 2h9v2.5l-5.5 6h5.5v2.5h-10v-2.5l5.7-6h-4.7z",
  // Rooms, each as a typical object.
  kitchen: "M6 1h3v8h1.5v-8h3v8q0 3-2 3.5v10.5h-3.5v-10.5q-2-.5-2-3.5z" + "M16 1q4 2 4 10h-2v12h-3z",
  bathroom:
    "M1 12h22v4q0 5-5 5h-12q-5 0-5-5z" +
    box(4, 21, 3, 2) +
    box(17, 21, 3, 2) +
    "M4 12v-8a3 3 0 0 1 6 0h-2a1 1 0 0 0-2 0v8z",
  garage:
    "M5 6h14l3 7v7h-3v-3h-14v3h-3v-7z" +
    "M7 8h10l1.6 4h-13.2z" +
    circle(6.5, 15, 1.3) +
    circle(17.5, 15, 1.3),
  attic: "M12 2l11 10h-3v10h-16v-10h-3z" + circle(12, 12, 3.5),
  cellar: "M5 2q7-2 14 0q3 10 0 20q-7 2-14 0q-3-10 0-20z" + box(3.5, 7, 17, 1.5) + box(3.5, 15.5, 17, 1.5),
  porch:
    box(1, 10, 22, 2.5) +
    box(2, 12, 2, 9) +
    box(6.5, 12, 2, 9) +
    box(11, 12, 2, 9) +
    box(15.5, 12, 2, 9) +
    box(20, 12, 2, 9) +
    box(1, 20, 22, 2.5) +
    circle(18, 4, 3.5),
  garden:
    circle(12, 5, 3.6) +
    circle(7, 9, 3.6) +
    circle(17, 9, 3.6) +
    circle(12, 9.5, 2) +
    "M11 12h2v5q4-4 8-3q-2 6-8 5v4h-2v-4q-6 1-8-5q4-1 8 3z",
  hallway: box(5, 1, 14, 22) + box(7, 3, 10, 20) + box(8, 4, 8, 19) + circle(14, 13, 1.3),
};
