/** How many observations are kept after their clip was decided, to compare policies on and to resume. */

/** Observations kept per stream of decided clips, stored or failed for good: an hour in clips of 10 s. */
export const keptObservations = 360;
/** How many of them keep their frames: ten minutes in clips of 10 s. */
export const keptWithFrames = 60;
/** Observations of all streams that keep frames beyond the short-term window: two hours, as many as training uses. */
export const mostWithFrames = 720;
/** Old observations are deleted after this many clips. */
export const sweepEvery = 20;
