/**
 * What only the pages of the staff say, in Korean, 해요체. As in `staff-en.js`, with the same keys and the same `{name}`s.
 * @type {Record<keyof typeof import('./staff-en.js').default, string>}
 */
export default {
};
