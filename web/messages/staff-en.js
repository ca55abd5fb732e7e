/**
 * What only the pages of the staff say, in English: phones don't load it. As in `en.js`; keys that stand there are not
 * said here again.
 */
export default {
};
