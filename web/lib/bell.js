/**
 * The phone as a bell: sound, vibration, a screen that stays on, a notification. Each is asked of the browser only where
 * it has it, and what it does not have is said. The flash of the screen is the page's own.
 */

/**
 * What this phone can do, as it was found out.
 *
 * - sound: `locked` until a tap; `works`; `refused` by the browser in spite of the tap; `none` in this browser
 * - vibration: `works`; `iphone`, which has none for pages; `still`, a device without a motor; `none` in this browser
 * - awake: `works`; `insecure`, a page without TLS; `refused`, as when the battery is low; `none` in this browser
 * - notification: `works`; `ask`, nobody was asked yet; `refused`; `insecure`; `none`
 *
 * @typedef {object} Abilities
 * @property {'locked' | 'works' | 'refused' | 'none'} sound
 * @property {'works' | 'iphone' | 'still' | 'none'} vibration
 * @property {'works' | 'insecure' | 'refused' | 'none'} awake
 * @property {'works' | 'ask' | 'refused' | 'insecure' | 'none'} notification
 */

/** What a notification says. @typedef {{title: string, body: string, tag: string, lang: string}} Notice */

/** How long a browser may think about letting a page be heard. */
const UNLOCK_MS = 1_500;
/** One second of the call: two tones, twice, then silence. Start in seconds, pitch in hertz. */
const CALL = [
  { at: 0, pitch: 880 },
  { at: 0.14, pitch: 1_175 },
  { at: 0.36, pitch: 880 },
  { at: 0.5, pitch: 1_175 },
];
const TONE_S = 0.13;
const LOUDNESS = 0.5;
/** A second of buzzing, as the phone does it for a call. */
const BUZZ_MS = [600, 400];

export class Bell {
  /** @param {() => void} changed called when what the phone can do has changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {GainNode | null} What is heard at the moment. */
    this.playing = null;
    /** @type {WakeLockSentinel | null} */
    this.wakeLock = null;
    this.wantsAwake = false;
    this.buzzing = false;
    /** @type {Notification | null} */
    this.notification = null;
    /** @type {Abilities} */
    this.abilities = { sound: hasSound() ? 'locked' : 'none', vibration: vibration(), awake: awake(), notification: notices() };
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      // The lock ended when the page was hidden, and iOS suspends the sound.
      if (this.wantsAwake) this.stayAwake();
      if (this.context?.state !== 'running') this.context?.resume().catch(() => {});
    });
  }

  /** The tap has unlocked the sound, and the browser has not locked it again. */
  isArmed() {
    return this.context?.state === 'running';
  }

  /**
   * For one second everything that a call does. Must be called in a tap: browsers let nothing be heard or buzz before.
   * @param {Notice} notice what a notification would say; it is gone before it is read
   * @returns {Promise<void>}
   */
  async test(notice) {
    // All of these at once: each may need the tap, and none waits for another.
    const buzzes = this.buzz(1);
    const awake = this.stayAwake();
    this.tryNotice(notice);
    await this.unlock();
    this.sound(1);
    await awake;
    if (!buzzes && this.abilities.vibration === 'works') this.abilities.vibration = 'still';
    this.changed();
  }

  /**
   * Calls for so many seconds, or until `stop`. In a tab that nobody sees, with a notification too.
   * @param {number} seconds
   * @param {Notice} notice
   * @returns {boolean} whether any of it took effect
   */
  ring(seconds, notice) {
    const sounds = this.sound(seconds);
    // A browser says yes for a device without a motor too.
    const buzzes = this.buzz(seconds) && this.abilities.vibration === 'works';
    const notifies = document.hidden && this.notify(notice);
    return sounds || buzzes || notifies;
  }

  stop() {
    this.silence();
    if (this.buzzing) attempt(() => navigator.vibrate(0));
    this.buzzing = false;
    this.notification?.close();
    this.notification = null;
  }

  /** The order has come to its end: the screen may go dark. */
  rest() {
    this.wantsAwake = false;
    this.wakeLock?.release().catch(() => {});
    this.wakeLock = null;
  }

  /** Asks whether notifications may be shown. Must be called in a tap. @param {Notice} notice as for a test */
  async askForNotices(notice) {
    try {
      await Notification.requestPermission();
    } catch {
      // an old browser that wants a callback: what it says then is read below all the same
    }
    this.abilities.notification = notices();
    this.tryNotice(notice);
    this.changed();
  }

  /** Whether a page may show one is known only when it does: Chrome on Android refuses where it said yes. @param {Notice} notice */
  tryNotice({ title, ...options }) {
    if (this.abilities.notification !== 'works') return;
    const notification = attempt(() => new Notification(title, { ...options, silent: true }));
    if (notification) notification.close();
    else this.abilities.notification = 'none';
  }

  async unlock() {
    if (!hasSound()) return;
    this.context ??= this.makeContext();
    const { context } = this;
    const timeout = new Promise((resolve) => setTimeout(resolve, UNLOCK_MS));
    await Promise.race([context?.resume().catch(() => {}), timeout]);
    this.abilities.sound = this.isArmed() ? 'works' : 'refused';
  }

  makeContext() {
    const context = attempt(() => new AudioContext({ latencyHint: 'interactive' })) ?? null;
    context?.addEventListener('statechange', () => {
      if (this.abilities.sound === 'works' && context.state !== 'running') this.abilities.sound = 'locked';
      else if (context.state === 'running') this.abilities.sound = 'works';
      this.changed();
    });
    return context;
  }

  /** @param {number} seconds @param {{at: number, pitch: number}[]} [call] of one second @returns {boolean} whether it is heard */
  sound(seconds, call = CALL) {
    const { context } = this;
    if (!context || !this.isArmed()) return false;
    this.silence();
    const out = new GainNode(context, { gain: LOUDNESS });
    // Ears find the middle of the speech band soonest, and small speakers are loudest there.
    const soft = new BiquadFilterNode(context, { type: 'lowpass', frequency: 4_000 });
    out.connect(soft).connect(context.destination);
    for (let second = 0; second < seconds; second += 1) {
      for (const { at, pitch } of call) tone(context, out, context.currentTime + 0.02 + second + at, pitch);
    }
    this.playing = out;
    return true;
  }

  silence() {
    this.playing?.disconnect();
    this.playing = null;
  }

  /** @param {number} seconds @returns {boolean} whether the browser took it */
  buzz(seconds) {
    // Before anyone has touched the page a browser refuses, and complains.
    if (navigator.userActivation?.hasBeenActive === false) return false;
    const pattern = Array.from({ length: seconds }, () => BUZZ_MS).flat();
    this.buzzing = attempt(() => navigator.vibrate?.(pattern)) === true;
    return this.buzzing;
  }

  async stayAwake() {
    this.wantsAwake = true;
    if (awake() !== 'works' || document.hidden || (this.wakeLock && !this.wakeLock.released)) return;
    try {
      this.wakeLock = await navigator.wakeLock.request('screen');
      this.abilities.awake = 'works';
      this.wakeLock.addEventListener('release', () => this.dimmed());
      if (!this.wantsAwake) this.rest();
    } catch {
      this.abilities.awake = 'refused';
    }
  }

  /** The lock is gone. In a hidden page it always is, and comes again; else the phone took it back, as when the battery is low. */
  dimmed() {
    if (!this.wantsAwake || document.hidden) return;
    this.abilities.awake = 'refused';
    this.changed();
  }

  /** @param {Notice} notice @returns {boolean} whether it is shown */
  notify({ title, ...options }) {
    if (this.abilities.notification !== 'works' || notices() !== 'works') return false;
    const notification = attempt(() => new Notification(title, { ...options, requireInteraction: true }));
    if (!notification) {
      // Android shows them for installed apps only.
      this.abilities.notification = 'none';
      return false;
    }
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    this.notification?.close();
    this.notification = notification;
    return true;
  }
}

/** Whether it calls those who do not look at it. @param {Abilities} abilities */
export function canBeNoticed({ sound, vibration }) {
  return sound === 'works' || vibration === 'works';
}

/** @param {AudioContext} context @param {AudioNode} out @param {number} at @param {number} pitch */
function tone(context, out, at, pitch) {
  const shape = new GainNode(context, { gain: 0 });
  shape.gain.setValueAtTime(0, at);
  shape.gain.linearRampToValueAtTime(1, at + 0.01);
  shape.gain.setValueAtTime(1, at + TONE_S - 0.03);
  shape.gain.linearRampToValueAtTime(0, at + TONE_S);
  const source = new OscillatorNode(context, { type: 'square', frequency: pitch });
  source.connect(shape).connect(out);
  source.start(at);
  source.stop(at + TONE_S);
}

function hasSound() {
  return typeof AudioContext === 'function';
}

/** @returns {Abilities['vibration']} */
function vibration() {
  if (typeof navigator.vibrate !== 'function') return /iPhone|iPod/.test(navigator.userAgent) ? 'iphone' : 'none';
  // Desktop browsers have the function and say yes, and nothing moves.
  return matchMedia('(pointer: coarse)').matches ? 'works' : 'still';
}

/** @returns {Abilities['awake']} */
function awake() {
  if (!window.isSecureContext) return 'insecure';
  return 'wakeLock' in navigator ? 'works' : 'none';
}

/** @returns {Abilities['notification']} */
function notices() {
  if (!window.isSecureContext) return 'insecure';
  if (typeof Notification !== 'function') return 'none';
  if (Notification.permission === 'granted') return 'works';
  return Notification.permission === 'denied' ? 'refused' : 'ask';
}

/** What the browser gives, or `undefined` where it refuses. @template T @param {() => T} act */
function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
