/**
 * How a board is set: by its address, because a TV has no input, or by hand where somebody has a mouse; what was set by
 * hand stands in the address too, and stays on the device. The address comes first.
 */

/**
 * @typedef {object} Settings
 * @property {boolean} chime it chimes when a code becomes ready
 * @property {import('./i18n.js').Language[]} say in which languages it says the code, in this order
 * @property {'dark' | 'light'} theme
 */

/** @type {Settings} */
export const DEFAULTS = { chime: false, say: [], theme: 'dark' };
const STORED_AS = 'brewline.board';
/** What stands for no language. */
const NONE = 'off';

/**
 * What an address or a device says: `?chime=1&say=ko,en&theme=light`. What it does not say, or what nobody knows, is as
 * it was.
 * @param {string} query
 * @param {Settings} [before]
 * @returns {Settings}
 */
export function read(query, before = DEFAULTS) {
  const said = new URLSearchParams(query);
  const [chime, say, theme] = ['chime', 'say', 'theme'].map((name) => said.get(name)?.toLowerCase());
  const languages = (say ?? '').split(',').filter(isLanguage);
  return {
    chime: chime === '1' || chime === 'on' ? true : chime === '0' || chime === 'off' ? false : before.chime,
    say: say === NONE || languages.length > 0 ? [...new Set(languages)] : before.say,
    theme: theme === 'light' || theme === 'dark' ? theme : before.theme,
  };
}

/**
 * The same as it stands in an address.
 * @param {Settings} settings
 * @param {string} [query] what stands there already, and stays
 */
export function write({ chime, say, theme }, query = '') {
  const says = new URLSearchParams(query);
  says.set('chime', chime ? '1' : '0');
  says.set('say', say.join(',') || NONE);
  says.set('theme', theme);
  // Commas may stand in a query as they are, and somebody has to type this with a remote control.
  return says.toString().replaceAll('%2C', ',');
}

/** As this device and this address have it. @param {string} query @param {Pick<Storage, 'getItem'> | null} storage */
export function load(query, storage) {
  let stored = '';
  try {
    stored = storage?.getItem(STORED_AS) ?? '';
  } catch {
    // refused: then nothing was kept
  }
  return read(query, read(stored));
}

/** @param {Settings} settings @param {Pick<Storage, 'setItem'> | null} storage */
export function keep(settings, storage) {
  try {
    storage?.setItem(STORED_AS, write(settings));
  } catch {
    // refused: the address has it
  }
}

/** @param {string} text @returns {text is import('./i18n.js').Language} */
function isLanguage(text) {
  return text === 'en' || text === 'ko';
}
