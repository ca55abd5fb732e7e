/**
 * What a board lets be heard: a chime, and the code in the languages that were chosen. Browsers let a page be heard only
 * after somebody has touched it, or when they are started so that pages may; what they do is found out and said.
 */

/**
 * - `off`: nothing is to be heard
 * - `trying`: it was not found out yet
 * - `works`
 * - `blocked`: the browser wants a click or a key first
 * - `none`: this browser has no such thing
 * @typedef {'off' | 'trying' | 'works' | 'blocked' | 'none'} Ability
 */

/** What is to be said. @typedef {{text: string, language: import('./i18n.js').Language}} Words */
/** One call. @typedef {{chime: boolean, words: Words[], isStill: () => boolean}} Call */

/** Calls that wait; of more, the newest: the others stand on the board, and nobody listens for so long. */
const WAITING_MAX = 5;
/** How long a browser may think about letting a page be heard. */
const UNLOCK_MS = 1_500;
/** How long one code may take to be said: some browsers forget to tell of the end. */
const SAY_MS = 8_000;
/** A bell with two tones, going down: start in seconds, pitch in hertz. */
const CHIME = [
  { at: 0, pitch: 1_047 },
  { at: 0.28, pitch: 784 },
];
const CHIME_S = 1.1;
const RINGS_S = 0.9;
const LOUDNESS = 0.6;
const LOCALE = { en: 'en-US', ko: 'ko-KR' };

export class BoardSound {
  /** @param {() => void} changed called when what can be heard has changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Ability} */
    this.chime = 'off';
    /** @type {Ability} */
    this.voice = 'off';
    /** While it is found out whether the chime is heard. */
    this.unlocking = Promise.resolve();
    /** Languages for which this browser has no voice. @type {Set<string>} */
    this.mute = new Set();
    /** @type {Call[]} */
    this.waiting = [];
    this.isCalling = false;
  }

  /** Whether somebody has to touch the page before it is heard. */
  isBlocked() {
    return this.chime === 'blocked' || this.voice === 'blocked';
  }

  /** @param {import('./board-settings.js').Settings} settings */
  async set({ chime, say }) {
    this.chime = chime ? (this.chime === 'works' ? 'works' : 'trying') : 'off';
    this.voice = say.length === 0 ? 'off' : typeof speechSynthesis === 'undefined' ? 'none' : this.voice === 'off' ? 'trying' : this.voice;
    if (chime) {
      this.unlocking = this.unlockChime();
      await this.unlocking;
    }
    if (this.voice === 'trying') this.tryVoice();
    this.changed();
  }

  /** Somebody has touched the page. */
  async unlock() {
    if (!this.isBlocked()) return;
    if (this.chime === 'blocked') await this.unlockChime();
    if (this.voice === 'blocked') this.tryVoice();
    this.changed();
  }

  async unlockChime() {
    if (typeof AudioContext !== 'function') {
      this.chime = 'none';
      return;
    }
    this.context ??= this.makeContext();
    const { context } = this;
    const timeout = new Promise((resolve) => setTimeout(resolve, UNLOCK_MS));
    await Promise.race([context.resume().catch(() => {}), timeout]);
    if (this.chime !== 'off') this.chime = context.state === 'running' ? 'works' : 'blocked';
  }

  makeContext() {
    const context = new AudioContext({ latencyHint: 'interactive' });
    context.addEventListener('statechange', () => {
      if (this.chime === 'off') return;
      this.chime = context.state === 'running' ? 'works' : 'blocked';
      this.changed();
    });
    return context;
  }

  /** Whether it may speak is known only when it does: it says nothing, and that is allowed or not. */
  tryVoice() {
    this.say({ text: ' ', language: 'en' });
  }

  /** @param {Call} call */
  call(call) {
    this.waiting.push(call);
    while (this.waiting.length > WAITING_MAX) this.waiting.shift();
    this.next();
  }

  /** One after the other: two voices at once are none. */
  async next() {
    if (this.isCalling) return;
    this.isCalling = true;
    try {
      for (let call = this.waiting.shift(); call; call = this.waiting.shift()) await this.hear(call);
    } finally {
      this.isCalling = false;
    }
  }

  /** @param {Call} call */
  async hear({ chime, words, isStill }) {
    if (!isStill()) return;
    // A board that was just loaded is called to like any other.
    if (chime && this.chime === 'trying') await this.unlocking;
    if (chime && this.chime === 'works') await this.ring();
    for (const one of words) {
      if (this.voice !== 'off' && this.voice !== 'none') await this.say(one);
    }
  }

  /** @returns {Promise<void>} when it has died away */
  ring() {
    const { context } = this;
    if (context?.state !== 'running') return Promise.resolve();
    return new Promise((resolve) => {
      const out = new GainNode(context, { gain: LOUDNESS });
      out.connect(context.destination);
      const begin = context.currentTime + 0.02;
      const tones = CHIME.map(({ at, pitch }) => tone(context, out, begin + at, pitch));
      const done = () => {
        out.disconnect();
        resolve();
      };
      const timer = setTimeout(done, (CHIME_S + 0.5) * 1_000);
      const last = tones[tones.length - 1];
      if (last) last.onended = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  /** @param {Words} words @returns {Promise<void>} when it has been said, or could not be */
  say({ text, language }) {
    return new Promise((resolve) => {
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.lang = LOCALE[language];
      utterance.voice = voiceFor(language);
      // A little slower than people talk: it is a number, in a room full of others.
      utterance.rate = 0.9;
      const end = (/** @type {Ability} */ voice) => {
        clearTimeout(timer);
        utterance.onstart = utterance.onend = utterance.onerror = null;
        const before = this.voice;
        if (this.voice !== 'off') this.voice = voice;
        if (this.voice !== before) this.changed();
        resolve();
      };
      const timer = setTimeout(() => {
        speechSynthesis.cancel();
        // Nothing was heard of it, so nothing speaks against it.
        end(this.voice === 'trying' ? 'works' : this.voice);
      }, SAY_MS);
      utterance.onend = () => end('works');
      utterance.onerror = ({ error }) => {
        if (error === 'not-allowed') return end('blocked');
        if (error === 'interrupted' || error === 'canceled') return end(this.voice);
        const isKnown = speechSynthesis.getVoices().length > 0;
        if (isKnown) this.mute.add(language);
        end(isKnown ? 'works' : 'none');
      };
      // Chrome stops after a while with what it was told when it was paused.
      speechSynthesis.resume();
      speechSynthesis.speak(utterance);
    });
  }
}

/** @param {import('./i18n.js').Language} language */
function voiceFor(language) {
  const voices = speechSynthesis.getVoices().filter(({ lang }) => lang.toLowerCase().startsWith(language));
  // One that needs a server is silent when the line is.
  return voices.find(({ localService }) => localService) ?? voices[0] ?? null;
}

/** @param {AudioContext} context @param {AudioNode} out @param {number} at @param {number} pitch */
function tone(context, out, at, pitch) {
  const shape = new GainNode(context, { gain: 0 });
  shape.gain.setValueAtTime(0, at);
  shape.gain.linearRampToValueAtTime(1, at + 0.01);
  shape.gain.exponentialRampToValueAtTime(0.001, at + RINGS_S);
  const source = new OscillatorNode(context, { type: 'sine', frequency: pitch });
  source.connect(shape).connect(out);
  source.start(at);
  source.stop(at + RINGS_S);
  return source;
}
