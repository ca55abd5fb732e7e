/**
 * The language of the page: which one, its texts, and times and prices as they are written in it. A module that
 * imports this runs once the texts are there.
 */

/** @typedef {'en' | 'ko'} Language */
/**
 * A message that can be shown; those of `staff-en.js` only on pages that say `data-for="staff"`.
 * @typedef {keyof typeof import('../messages/en.js').default | keyof typeof import('../messages/staff-en.js').default} MessageKey
 */
/** @typedef {{en: string, ko: string}} Words The same in every language, as the counter sends names. */

const LANGUAGES = /** @type {const} */ (['en', 'ko']);
const STORED_AS = 'brewline.lang';

/** How often texts did not come. */
let attempts = 0;
/** @type {Language} The language that is shown. */
export let language = preferred();
let messages = await load(language);
/** @type {Set<() => void>} */
const listeners = new Set();
document.documentElement.lang = language;

/**
 * The text with this key. `{name}` in it becomes `values.name`; if `values.count` is 1 and there is a `KEY.one`, that
 * is the text.
 * @param {MessageKey} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const one = /** @type {MessageKey} */ (`${key}.one`);
  const text = values.count === 1 && Object.hasOwn(messages, one) ? messages[one] : messages[key];
  return text.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

/**
 * The word of this language; the other one's if there is none.
 * @param {Partial<Words> | undefined} words
 */
export function word(words) {
  return words?.[language] ?? words?.en ?? words?.ko ?? '';
}

/**
 * The language of a text that people wrote, by its letters, where that is not the page's: shops name things in one
 * language only, and notes come in any. Nobody knows which one other letters are: then it is empty, as HTML has it.
 * @param {string} text
 * @returns {Language | '' | undefined}
 */
export function foreign(text) {
  if (!/\p{L}/u.test(text)) return undefined;
  const written = /\p{Script=Hangul}/u.test(text) ? 'ko' : /\p{Script=Latin}/u.test(text) ? 'en' : '';
  return written === language ? undefined : written;
}

/** The language that is not shown. */
export function otherLanguage() {
  return language === 'en' ? 'ko' : 'en';
}

/** The other language was asked for last, and its texts did not come. */
export let languageFailed = false;

/**
 * Shows the page in another language, now and when it is opened again. Where its texts don't come, it stays as it is,
 * and `languageFailed`: whoever wants it taps again.
 * @param {Language} wanted
 */
export async function setLanguage(wanted) {
  // What is said a second time is heard a second time.
  if (languageFailed) tell(false);
  try {
    messages = await load(wanted);
  } catch {
    return tell(true);
  }
  language = wanted;
  document.documentElement.lang = wanted;
  remember(wanted);
  tell(false);
}

/** @param {boolean} failed */
function tell(failed) {
  languageFailed = failed;
  for (const listener of listeners) listener();
}

/**
 * Calls back when the language has changed, or could not be; what it returns ends that.
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * This path of ours, with the language where the browser does not keep it.
 * @param {string} path
 */
export function withLanguage(path) {
  return asked() === language ? `${path}${path.includes('?') ? '&' : '?'}lang=${language}` : path;
}

/**
 * A time of day: `08:45`.
 * @param {number} ms since 1970 UTC
 * @param {string} [timeZone] the shop's; without it the phone's
 */
export function time(ms, timeZone) {
  return format('time', timeZone).format(ms);
}

/**
 * The same with seconds: `08:41:06`.
 * @param {number} ms since 1970 UTC
 * @param {string} [timeZone] the shop's; without it the phone's
 */
export function timeWithSeconds(ms, timeZone) {
  return format('seconds', timeZone).format(ms);
}

/**
 * The day of a time as one says it on another: `today`, `tomorrow`, or `Monday` within a week, else the date.
 * @param {number} ms since 1970 UTC
 * @param {number} now since 1970 UTC
 * @param {string} [timeZone] the shop's; without it the phone's
 */
export function day(ms, now, timeZone) {
  const days = dayNumber(ms, timeZone) - dayNumber(now, timeZone);
  if (Math.abs(days) <= 1) return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(days, 'day');
  return format(days > 0 && days < 7 ? 'weekday' : 'date', timeZone).format(ms);
}

/**
 * A day with its weekday: `Sunday, November 22`.
 * @param {number} ms since 1970 UTC
 * @param {string} [timeZone] the shop's; without it the phone's
 */
export function dayOfWeek(ms, timeZone) {
  return format('long', timeZone).format(ms);
}

/**
 * A price: `₩5,500`, `$3.50`.
 * @param {number} amount in the currency's smallest unit
 * @param {string} currency its code in ISO 4217
 */
export function price(amount, currency) {
  // As it stands on menus in Korea, which `Intl` does not know.
  if (currency === 'KRW') return t('common.won', { amount: numbers({}).format(amount) });
  const format = numbers({ style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
}

/**
 * A range of minutes: `6–8 min`; `6 min` if it is no range.
 * @param {number} from
 * @param {number} to
 */
export function minutes(from, to) {
  return t(from === to ? 'common.minutes' : 'common.minutes_range', { from, to });
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const FORMATS = {
  time: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  seconds: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  weekday: { weekday: 'long' },
  date: { month: 'long', day: 'numeric' },
  long: { weekday: 'long', month: 'long', day: 'numeric' },
  day: { year: 'numeric', month: '2-digit', day: '2-digit' },
};
/**
 * Making one takes a slow phone longer than using it a hundred times.
 * @type {Map<string, Intl.DateTimeFormat | Intl.NumberFormat>}
 */
const formats = new Map();

/**
 * @template {Intl.DateTimeFormat | Intl.NumberFormat} F
 * @param {string} key
 * @param {() => F} make
 */
function kept(key, make) {
  let format = /** @type {F | undefined} */ (formats.get(key));
  if (!format) formats.set(key, (format = make()));
  return format;
}

/** @param {Intl.NumberFormatOptions} options */
function numbers(options) {
  return kept(`${language} number ${options.currency}`, () => new Intl.NumberFormat(language, options));
}

/**
 * @param {string} name
 * @param {string} [timeZone]
 * @param {string} [locale]
 */
function format(name, timeZone, locale = language) {
  return kept(`${locale} ${name} ${timeZone}`, () => {
    try {
      return new Intl.DateTimeFormat(locale, { ...FORMATS[name], timeZone });
    } catch {
      // This browser does not know the shop's zone: its own is the better guess.
      return new Intl.DateTimeFormat(locale, FORMATS[name]);
    }
  });
}

/**
 * Days since 1970 by that zone's calendar.
 * @param {number} ms
 * @param {string} [timeZone]
 */
export function dayNumber(ms, timeZone) {
  // Swedish dates are ISO 8601.
  return Date.parse(`${format('day', timeZone, 'sv').format(ms)}T00:00:00Z`) / 86_400_000;
}

/**
 * @param {Language} wanted
 * @returns {Promise<Record<MessageKey, string>>}
 */
async function load(wanted) {
  // What only staff are told is nothing that a phone has to wait for.
  const isStaffs = document.documentElement.dataset.for === 'staff';
  const parts = await Promise.all((isStaffs ? [wanted, `staff-${wanted}`] : [wanted]).map(loadOne));
  return Object.assign({}, ...parts);
}

/** @param {string} name */
async function loadOne(name) {
  const path = `../messages/${name}.js`;
  try {
    return (await import(path)).default;
  } catch {
    // Some browsers remember that a module did not come, and never ask again by the same name.
    attempts += 1;
    return (await import(`${path}?attempt=${attempts}`)).default;
  }
}

/** What the address asks for, what was chosen here before, what the browser prefers. */
function preferred() {
  const said = [asked(), chosen(), ...navigator.languages];
  return said.map(known).find((language) => language !== undefined) ?? 'en';
}

/** @param {string | null | undefined} tag */
function known(tag) {
  const primary = tag?.split('-')[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === primary);
}

function asked() {
  return new URLSearchParams(location.search).get('lang');
}

function chosen() {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null; // refused: then nothing was chosen
  }
}

/** @param {Language} wanted */
function remember(wanted) {
  const address = new URL(location.href);
  address.searchParams.delete('lang');
  try {
    localStorage.setItem(STORED_AS, wanted);
  } catch {
    address.searchParams.set('lang', wanted);
  }
  history.replaceState(history.state, '', address);
}
