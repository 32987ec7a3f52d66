/** What overviews of all stores share. */

/** Length of a stretch by default, in seconds. */
export const defaultStretchSeconds = 60;
