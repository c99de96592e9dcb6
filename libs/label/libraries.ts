import { createRequire } from 'node:module';

// Loaded when the first label is drawn. Together they take 130 ms, which every command and every
// service would wait for at its start.

const require = createRequire(import.meta.url);

export const fontkit = (): typeof import('fontkit') => require('fontkit');
export const bwip = (): typeof import('bwip-js/node') => require('bwip-js/node');
export const canvas = (): typeof import('@napi-rs/canvas') => require('@napi-rs/canvas');
