/**
 * One thing that the counter shows live: an order, the shop, all orders. A snapshot, then its event stream, and polling where
 * the stream does not come.
 *
 * The stream is an `EventSource`. It can send no headers and hides the status of an answer, but it resumes with
 * `Last-Event-ID` by itself, waits before that as long as the counter told it to (ten thousand phones do not come at
 * once), and is not slowed down in a background tab, where timers are. A new stream begins with a snapshot; a resumed
 * one says nothing until something changes, so a snapshot is asked for beside it. What was refused, and why, is learnt
 * by asking for the snapshot.
 *
 * How old what is shown is follows from the counter's own clock: `now − as_of` when it was sent, and the time since it
 * came by a clock that nobody can set. The phone's time of day is never used.
 */

/** From this age on what is shown is old. A heartbeat comes every 10 s. */
export const OLD_MS = 15_000;
/** A stream that said nothing for this share of that is not relied on. */
const SILENT_SHARE = 0.8;
/** A new stream says something at once; if it does not within this, a proxy may hold it back. */
const FIRST_MS = 2_500;
/** How long an answer may take. */
const ANSWER_MS = 8_000;
/** How often a snapshot is asked for where no stream comes, and at most how seldom where that fails too. */
const POLL_MS = 3_000;
const POLL_MAX_MS = 8_000;
/** How long a page that comes back waits for a fresh snapshot before it shows the last one, as old. */
const VEIL_MS = 3_000;
/** How long an order that nobody knows is asked for: someone may be about to place it. */
const UNKNOWN_MS = 60_000;
/** A time of day that is this far ahead of where it should be: the phone slept, or somebody set its clock. */
const SLEPT_MS = 3_000;
/** An event that is this much older than it should be when it comes has waited somewhere, and others behind it. */
const LATE_MS = 2_000;
/** From here on one notices that something takes time. */
const SLOW_MS = 400;
/** What a heartbeat does not say of an order is not so any more. */
const UNSAID = { promise: undefined, queue: undefined, undecided_ms: undefined, no_barista: undefined };
/** The longest time that an answer may send us away for. */
const RETRY_MAX_MS = 30_000;

/**
 * What every snapshot and heartbeat carries. Times are milliseconds since 1970 by the counter's clock.
 *
 * @typedef {object} Stamped
 * @property {number} as_of when the counter last had read the log to its end
 * @property {number} [now] its clock when it sent this
 * @property {number} [version] counts the changes of an order
 * @property {number} [finished_at] when an order came to its end
 */

/**
 * - `loading`: nothing may be shown yet: the first visit, or back from the background.
 * - `live`: at most 15 s old.
 * - `old`: older. Show it as what was last heard, with its age, and promise nothing.
 * - `starting`: the counter answers but has not read its log yet, and nothing was heard before.
 * - `catching_up`: the order is in the log, this counter has not read that far.
 * - `unknown`: there is no such thing, or none any more although it had not come to its end: a log was lost or replaced.
 * - `forgotten`: there was, and it is forgotten.
 * - `signed_out`: it is for staff, and this device is not signed in, or no longer.
 *
 * @typedef {'loading' | 'live' | 'old' | 'starting' | 'catching_up' | 'unknown' | 'forgotten' | 'signed_out'} Status
 */

/**
 * What is known now.
 *
 * @template {Stamped} S
 * @typedef {object} News
 * @property {Status} status
 * @property {S | null} value the newest snapshot, with what later heartbeats said; also while `loading`, for what need
 *   not be seen (a bell)
 * @property {number} ageMs how old it is
 * @property {boolean} offline the phone says that it has no network
 */

/**
 * @template {Stamped} S
 * @typedef {object} Subject
 * @property {string} snapshot path of the snapshot, as `/orders/ID` or `/shop`
 * @property {string} stream path of its event stream, as `/orders/ID/events` or `/shop/events`
 * @property {string} event the name of the events that carry a snapshot: `order` or `shop`
 * @property {number} [oldMs] from which age on it is old, if not from 15 s: as far apart as two of its heartbeats and more
 * @property {(said: any, known: S | null) => S} [read] what is kept of a snapshot, if not the snapshot
 * @property {Record<string, (known: S, said: any) => S>} [changes] by the name of their events, what changes in a snapshot
 * @property {(news: News<S>) => void} tell called at each change, and once a second while the page is visible, so that
 *   ages and minutes can count
 */

/**
 * @template {Stamped} S
 * @typedef {object} Live
 * @property {() => News<S>} news what is known now
 * @property {() => number} now the counter's clock, in milliseconds since 1970; `NaN` before anything was heard
 * @property {() => void} tryNow asks at once: for a button
 * @property {(value: S) => void} take takes in a snapshot that came another way, as with the answer to a command
 * @property {(name: string, said: any) => void} change takes in one of the subject's changes that came another way
 * @property {() => void} stop ends it for good
 */

/**
 * Begins to follow something, until `stop`.
 *
 * @template {Stamped} S
 * @param {Subject<S>} subject
 * @returns {Live<S>}
 */
export function follow(subject) {
  const follower = new Follower(subject);
  follower.begin();
  return {
    news: () => follower.news(),
    now: () => follower.clock.now(),
    tryNow: () => follower.tryNow(),
    take: (value) => follower.take(value),
    change: (name, said) => follower.change(name, said),
    stop: () => follower.stop(),
  };
}

/**
 * Says of a page that something takes a moment, once one would notice, and not before.
 *
 * @param {{slow: boolean}} page
 * @param {() => void} changed
 * @returns {() => void} to call when something begins
 */
export function patience(page, changed) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return () => {
    clearTimeout(timer);
    page.slow = false;
    timer = setTimeout(() => {
      page.slow = true;
      changed();
    }, SLOW_MS);
  };
}

/** @template {Stamped} S */
class Follower {
  /** @param {Subject<S>} subject */
  constructor(subject) {
    this.subject = subject;
    this.oldMs = subject.oldMs ?? OLD_MS;
    this.silentMs = this.oldMs * SILENT_SHARE;
    this.clock = new CounterClock(this.oldMs);
    /** @type {S | null} */
    this.value = null;
    /** What an answer said instead of a snapshot. @type {'starting' | 'catching_up' | 'unknown' | 'forgotten' | 'signed_out' | null} */
    this.instead = null;
    /** Requests so far: which of two was asked later. */
    this.asked = 0;
    /** Nothing is shown before the answer to a request after this one. @type {{ since: number, after: number } | null} */
    this.veil = null;
    this.stopped = new AbortController();
    /** @type {AbortController | null} */
    this.polling = null;
    this.pollAt = Infinity;
    this.failures = 0;
    this.unknownSince = Infinity;
    /** @type {EventSource | null} */
    this.source = null;
    /** The stream speaks, so nobody polls. */
    this.streaming = false;
    this.openedAt = 0;
    this.spokeAt = 0;
    this.openAt = Infinity;
  }

  begin() {
    const { signal } = this.stopped;
    /** @param {EventTarget} target @param {string} name @param {(event: any) => void} act */
    const on = (target, name, act) => target.addEventListener(name, act, { signal });
    on(document, 'visibilitychange', () => (document.hidden ? this.cover() : this.comeBack()));
    on(document, 'freeze', () => this.close());
    on(document, 'resume', () => this.comeBack());
    on(window, 'pagehide', () => {
      // A page with an open connection is not kept for the way back.
      this.close();
      this.cover();
    });
    on(window, 'pageshow', (event) => event.persisted && this.comeBack());
    on(window, 'online', () => this.tryNow());
    on(window, 'offline', () => this.tell());
    const timer = setInterval(() => this.tick(), 1_000);
    signal.addEventListener('abort', () => clearInterval(timer));
    this.open();
  }

  stop() {
    this.stopped.abort();
    this.polling?.abort();
    this.close();
  }

  /** @returns {News<S>} */
  news() {
    const offline = navigator.onLine === false;
    return { status: this.status(), value: this.value, ageMs: this.clock.age(), offline };
  }

  /** @returns {Status} */
  status() {
    const { instead } = this;
    if (instead === 'unknown' || instead === 'forgotten' || instead === 'signed_out') return instead;
    if (this.value === null) return instead ?? 'loading';
    if (this.veil !== null) return 'loading';
    return this.clock.age() <= this.oldMs ? 'live' : 'old';
  }

  tell() {
    if (!this.stopped.signal.aborted) this.subject.tell(this.news());
  }

  tryNow() {
    if (this.isOver()) return;
    this.failures = 0;
    this.unknownSince = Infinity;
    if (this.clock.elapsed() - Math.max(this.openedAt, this.spokeAt) > FIRST_MS && !this.streaming) this.open();
    this.poll();
  }

  cover() {
    this.veil = { since: this.clock.elapsed(), after: this.asked };
    this.tell();
  }

  comeBack() {
    this.cover();
    const isSilent = this.clock.elapsed() - this.spokeAt > this.silentMs;
    if (this.source === null || isSilent) this.open();
    this.poll();
  }

  /** Once a second: ages count on, and what does not come is asked for. */
  tick() {
    if (this.isOver()) return;
    this.wakeUp();
    const at = this.clock.elapsed();
    if (this.veil !== null && !document.hidden && at - this.veil.since > VEIL_MS) {
      this.veil = null;
      this.clock.doubt();
    }
    const spokeAt = Math.max(this.openedAt, this.spokeAt);
    if (this.source === null ? at >= this.openAt : at - spokeAt > this.oldMs) this.open();
    if (at - this.spokeAt > this.silentMs) this.streaming = false;
    const isSilent = this.source !== null && !this.streaming && at - spokeAt > FIRST_MS;
    if (isSilent && this.pollAt === Infinity) this.pollOnce();
    if (at >= this.pollAt) this.poll();
    if (!document.hidden) this.tell();
  }

  /** Whether the phone slept. What waited for it meanwhile is old, whenever it comes. */
  wakeUp() {
    const slept = this.clock.slept();
    if (slept) {
      this.close();
      this.comeBack();
    }
    return slept;
  }

  isOver() {
    return this.stopped.signal.aborted || this.instead === 'forgotten';
  }

  // The stream.

  open() {
    this.close();
    if (this.isOver()) return;
    const source = new EventSource(this.subject.stream);
    const asked = ++this.asked;
    let resumed = false;
    this.source = source;
    this.openedAt = this.clock.elapsed();
    source.onopen = () => {
      if (resumed) this.poll();
      resumed = true;
    };
    source.onerror = () => {
      this.streaming = false;
      this.pollIn(POLL_MS);
      // Otherwise the browser tries again by itself.
      if (source.readyState !== EventSource.CLOSED) return;
      this.close();
      this.openAt = this.clock.elapsed() + spread(POLL_MAX_MS);
      // Refused: the first time at once, to learn why.
      if (this.failures === 0) this.poll();
    };
    /** @param {string} name @param {(data: any) => void} act */
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        if (this.wakeUp()) return;
        const data = parse(event.data);
        if (data === null) return;
        this.spokeAt = this.clock.elapsed();
        this.streaming = true;
        this.pollAt = Infinity;
        // What waited is not news: a ready may have a recall behind it.
        if (this.clock.isLate(data)) this.pollOnce();
        else act(data);
        this.tell();
      });
    on(this.subject.event, (said) => this.hear(said, asked));
    for (const name of Object.keys(this.subject.changes ?? {})) on(name, (said) => this.hearChange(name, said));
    on('heartbeat', (beat) => this.beat(beat));
    on('waiting', () => this.sayInstead('starting'));
    // Only the answer to a request tells apart what is not there and what this counter has not read yet.
    on('unknown', () => this.poll());
    on('forgotten', () => this.end());
  }

  close() {
    this.source?.close();
    this.source = null;
    this.streaming = false;
    this.openAt = Infinity;
  }

  /** @param {Stamped & { ready?: boolean }} beat */
  beat({ ready, ...beat }) {
    if (ready === false || this.value === null) return;
    if (beat.version !== undefined && beat.version !== this.value.version) {
      this.poll();
      return;
    }
    this.clock.hear(beat);
    // An order's heartbeat says these as long as they are so; the shop's says no more than the time.
    const before = beat.version === undefined ? {} : UNSAID;
    this.value = { ...this.value, ...before, ...beat };
  }

  // Snapshots.

  /** @param {any} said @param {number} asked which request it answers */
  hear(said, asked) {
    if (!this.isNews(said)) return;
    this.instead = null;
    this.unknownSince = Infinity;
    this.value = this.subject.read ? this.subject.read(said, this.value) : said;
    this.clock.hear(said);
    if (this.veil !== null && asked > this.veil.after && !document.hidden) this.veil = null;
  }

  /** @param {string} name @param {any} said @param {boolean} [isLate] */
  hearChange(name, said, isLate = false) {
    const change = this.subject.changes?.[name];
    // Before its snapshot nobody knows what it changes, and that comes first.
    if (this.value === null || !change) return;
    this.value = change(this.value, said);
    if (said.as_of !== undefined && !isLate) this.clock.hear(said);
  }

  /**
   * Another counter may lag behind the last one, and an answer behind the stream. It can't take back what was heard,
   * unless it has read the log well beyond that: then the log itself was put back.
   *
   * @param {S} value
   */
  isNews(value) {
    const known = this.value;
    if (known === null || value.as_of > known.as_of + this.oldMs) return true;
    if (value.version !== undefined && known.version !== undefined) return value.version >= known.version;
    return value.as_of >= known.as_of || this.clock.age() > this.oldMs;
  }

  /** @param {S} value */
  take(value) {
    if (this.isOver()) return;
    // As with an event: an answer that waited may have a recall behind it.
    if (this.clock.isLate(value)) this.pollOnce();
    else this.hear(value, ++this.asked);
    this.tell();
  }

  /** @param {string} name @param {any} said */
  change(name, said) {
    if (this.isOver()) return;
    // An answer that waited is still the answer to what was asked; it only says nothing of the time.
    const isLate = this.clock.isLate(said);
    if (isLate) this.pollOnce();
    this.hearChange(name, said, isLate);
    this.tell();
  }

  /** @param {number} ms */
  pollIn(ms) {
    this.pollAt = this.clock.elapsed() + spread(ms);
  }

  pollOnce() {
    if (this.polling === null) this.poll();
  }

  async poll() {
    if (this.isOver()) return;
    this.polling?.abort();
    const polling = (this.polling = new AbortController());
    this.pollAt = Infinity;
    const asked = ++this.asked;
    const answer = await get(this.subject.snapshot, polling);
    if (polling.signal.aborted && this.polling !== polling) return;
    this.polling = null;
    if (this.isOver()) return;
    this.answered(answer, asked);
    this.tell();
  }

  /** @param {Got | null} answer @param {number} asked */
  answered(answer, asked) {
    if (answer === null) {
      this.failures += 1;
      if (!this.streaming) this.pollIn(Math.min(POLL_MS * 1.5 ** this.failures, POLL_MAX_MS));
      return;
    }
    const { status, body, retryMs } = answer;
    this.failures = 0;
    if (status === 200) {
      this.hear(body, asked);
      if (this.source === null && this.openAt === Infinity) this.open();
      if (this.streaming) return;
    } else if (status === 202) {
      this.sayInstead('catching_up');
    } else if (body.code === 'unknown_order' || body.code === 'bad_id') {
      if (this.value?.finished_at !== undefined) return this.end();
      return this.sayUnknown();
    } else if (status === 401 || status === 403) {
      this.sayInstead('signed_out');
      // Whoever signs in says so; in another tab that may happen without a word.
      return this.pollIn(POLL_MAX_MS);
    } else {
      this.sayInstead('starting');
    }
    this.pollIn(Math.max(POLL_MS, retryMs));
  }

  /** @param {'starting' | 'catching_up' | 'signed_out'} why */
  sayInstead(why) {
    this.instead = why;
  }

  sayUnknown() {
    this.instead = 'unknown';
    this.close();
    const at = this.clock.elapsed();
    this.unknownSince = Math.min(this.unknownSince, at);
    // What was there before may come back with its log.
    if (this.value !== null || at - this.unknownSince < UNKNOWN_MS) this.pollIn(POLL_MAX_MS);
  }

  end() {
    this.instead = 'forgotten';
    this.close();
  }
}

/** The counter's clock and the age of what it said, by a clock of the phone that nobody can set. */
class CounterClock {
  /** @param {number} oldMs from which age on what it said is old */
  constructor(oldMs) {
    this.oldMs = oldMs;
    /** Time that the steady clock did not count because the phone slept. */
    this.sleptMs = 0;
    this.lead = Date.now() - performance.now();
    /** The counter's clock minus the steady one: time that was slept is not in it before the counter is heard again. */
    this.offset = NaN;
    /** When, by our clock, the counter had last read its log to the end. */
    this.confirmedAt = -Infinity;
  }

  elapsed() {
    return performance.now() + this.sleptMs;
  }

  /** Without what seems to have been slept: it may be that somebody set the time of day. Ages are better too old. */
  now() {
    return performance.now() + this.offset;
  }

  age() {
    return this.elapsed() - this.confirmedAt;
  }

  /** @param {Stamped} said */
  hear({ as_of, now }) {
    const at = this.elapsed();
    // A counter that does not say its time: it is no earlier than anything it has said.
    const theirs = now ?? Math.max(as_of, Number.isNaN(this.offset) ? as_of : this.now());
    this.offset = theirs - performance.now();
    this.confirmedAt = Math.max(this.confirmedAt, Math.min(at, at - (theirs - as_of)));
  }

  /** Whether it waited on its way. A snapshot that was asked for tells whether it is the counter's clock that went back. @param {Stamped} said */
  isLate({ now }) {
    return now !== undefined && now < this.now() - LATE_MS;
  }

  /** What was heard last may be older than it seems. */
  doubt() {
    this.confirmedAt = Math.min(this.confirmedAt, this.elapsed() - this.oldMs - 1);
  }

  /** Whether the phone slept since this was asked last: the time of day goes on meanwhile, the steady clock may not. */
  slept() {
    const lead = Date.now() - performance.now();
    const ahead = lead - this.lead;
    this.lead = lead;
    if (ahead < SLEPT_MS) return false;
    this.sleptMs += ahead;
    return true;
  }
}

/**
 * @typedef {object} Got
 * @property {number} status
 * @property {any} body a JSON object
 * @property {number} retryMs
 */

/**
 * An answer of the counter, or `null` where none came, or one that is not the counter's (a hotel's login page).
 *
 * @param {string} path
 * @param {AbortController} abort
 * @returns {Promise<Got | null>}
 */
async function get(path, abort) {
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    const response = await fetch(path, { cache: 'no-store', signal: abort.signal });
    const body = parse(await response.text());
    if (body === null || (!response.ok && typeof body.code !== 'string')) return null;
    const retryMs = Math.min(Number(response.headers.get('retry-after')) * 1_000 || 0, RETRY_MAX_MS);
    return { status: response.status, body, retryMs };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} json @returns {any} a JSON object, or `null` */
function parse(json) {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Between half of it and all of it, so that phones do not come together. @param {number} ms */
function spread(ms) {
  return ms * (0.5 + Math.random() / 2);
}
