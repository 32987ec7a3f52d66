/** How much of what was observed stays after it was decided: for comparing policies on, and for resuming. */

/** Observations kept of a stream's decided clips, stored or failed for good: an hour in clips of 10 s. */
export const keptObservations = 360;
/** Those of them that keep their frames too: ten minutes in clips of 10 s. */
export const keptWithFrames = 60;
/** Observations of all streams that keep frames beyond the short-term window: two hours, as many as training looks at. */
export const mostWithFrames = 720;
/** What is let go is deleted after so many clips. */
export const sweepEvery = 20;
