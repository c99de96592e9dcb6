// Pages of lists: sizes and opaque tokens that carry the last key of the page before.
// Knows nothing of what is listed.
export { cutPage, pageSizeOf, readPageToken, writePageToken } from './page.ts';
