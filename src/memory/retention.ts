/** How many observations are kept after their clip was decided, to compare policies on and to resume. */

/** Observations kept per stream of decided clips, stored or failed for good: an hour in clips of 10 s. */
export const keptObservations = 360;
/** How many of them keep their frames: ten minutes in clips of 10 s. */
export const keptWithFrames = 60;
/** Observations of all streams that keep frames beyond the short-term window: two hours, as many as training uses. */
export const mostWithFrames = 720;
/** Failed clips of a stream that wait for another try, with their frames: a day in clips of 10 s. */
export const mostWaiting = 8640;
/** What is added to the failure of a clip that may wait no longer. */
export const givenUp = ` It was given up: more than ${mostWaiting.toLocaleString("en")} clips were waiting.`;
/** Clips of a stream whose faces keep their picture and vector: an hour in clips of 10 s. Those that stand for a person do longer. */
export const keptFaces = 360;
/** Old observations are deleted after this many clips. */
export const sweepEvery = 20;
