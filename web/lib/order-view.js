/**
 * What the order page looks like: what is known becomes HTML. It decides nothing and keeps nothing. One module, for
 * each is a request before the page can be used: first what stands around the menu, then the menu, then the cart.
 */

import * as cart from './cart.js';
import { day, foreign, languageFailed, minutes, otherLanguage, price, t, time, withLanguage, word } from './i18n.js';
import { html, nothing } from '../vendor/lit-html.js';

/** @typedef {import('./cart.js').Menu} Menu */
/** @typedef {import('./cart.js').Item} Item */
/** @typedef {import('./cart.js').Line} Line */
/** @typedef {import('./cart.js').Group} Group */
/** @typedef {import('./cart.js').Choice} Choice */
/**
 * What `GET /shop` says, as far as this page uses it.
 * @typedef {object} Shop
 * @property {number} as_of
 * @property {number} [now]
 * @property {'open' | 'paused' | 'closed' | 'till'} ordering
 * @property {string | null} [reason]
 * @property {number} [reopens_at]
 * @property {number} [opens_at]
 * @property {number} [last_order_at]
 * @property {{from_minutes: number, to_minutes: number}} [promise] for one more drink
 * @property {number} [ahead]
 * @property {string[]} [sold_out]
 * @property {string} [menu] its version
 * @property {boolean} [no_barista] nobody decides at the moment
 */
/** @typedef {{id: string, path: string, code?: {words: import('./i18n.js').Words, label: string}, state?: string}} Mine An order that was made here. */
/** @typedef {import('./cart.js').Sending} Sending */
/**
 * Everything that shows.
 * @typedef {object} Page
 * @property {Menu | null} menu
 * @property {number} menuAt when it came, ms since 1970 by the phone
 * @property {boolean} menuIsFresh the counter said so since this page was opened
 * @property {boolean} menuFailed it was asked for and did not come
 * @property {import('./live.js').News<Shop>} news
 * @property {number} now the counter's clock
 * @property {cart.SoldOut} soldOut
 * @property {cart.Cart} cart
 * @property {ReadonlySet<string>} open what shows its options: `item/ID` or `line/ID`
 * @property {number} noteOf the line whose note is being written
 * @property {boolean} basket the cart is open
 * @property {string} query
 * @property {string} category the one in view
 * @property {Sending} sending
 * @property {cart.Change[]} changes
 * @property {boolean} menuChanged the counter said so, and nothing in the cart is different
 * @property {Mine[]} mine
 * @property {boolean} slow it takes longer than one would notice
 * @property {number} elapsed `performance.now()`
 * @property {string} said for screen readers
 */
/** @typedef {import('../order.js').Actions} Actions */

/** Of a text that people wrote: the language, if it is not the page's. @param {string} text */
const langOf = (text) => foreign(text) ?? nothing;

/** From more items than this on there are tabs; from this many on one can search. */
const TABS_OVER = 12;
const SEARCH_FROM = 40;

/**
 * @param {Page} page
 * @param {Actions} on
 */
export function view(page, on) {
  const { menu } = page;
  return html`
    <header>
      <h1>${menu ? html`<bdi lang=${langOf(word(menu.shop.name))}>${word(menu.shop.name)}</bdi>` : html`<span class="vh">${t('order.title')}</span><span class="bone"></span>`}</h1>
      <button class="language" lang=${otherLanguage()} @click=${on.language}>
        ${t('common.other_language')}
      </button>
      ${languageFailed ? html`<p class="unchanged" role="alert" lang=${otherLanguage()}>${t('common.language_failed')}</p>` : nothing}
    </header>
    ${page.mine.map((order) => mine(page, order))}
    ${slot(page)}
    ${menu && search(page, menu, on)}
    ${menu && tabs(page, menu, on)}
    <main>${menu ? list(page, menu, on) : absent(page, on)}</main>
    ${menu && foot(page, menu, on)}
    <p class="vh" role="status">${readyText(page)}</p>
    <p class="vh" role="status">${page.said}</p>
  `;
}

/**
 * @param {Page} page
 * @param {Mine} order
 */
function mine(page, order) {
  const code = codeOf(order);
  return html`
    <nav class="mine" aria-label=${t('order.mine')}>
      <a href=${withLanguage(order.path)}>
        <span>${t(isReady(page, order) ? 'order.mine_ready' : 'order.mine')}</span>
        ${code ? html`<b>${code}</b>` : nothing}<span aria-hidden="true">→</span>
      </a>
    </nav>
  `;
}

/** @param {Mine} order */
function codeOf({ code }) {
  return code && `${word(code.words).toUpperCase()} ${code.label}`;
}

/**
 * It waits at the bar. What was so a while ago is no news: it may have been collected since.
 * @param {Page} page
 * @param {Mine} order
 */
function isReady(page, order) {
  return order.state === 'ready' && page.news.status === 'live';
}

/**
 * What is ready, for those who hear the page.
 * @param {Page} page
 */
function readyText(page) {
  const ready = page.mine.filter((order) => isReady(page, order));
  return ready.map((order) => [t('order.mine_ready'), codeOf(order)].filter(Boolean).join(' ')).join('. ');
}

/**
 * Whether orders are taken. What is old keeps nobody from ordering: the counter says what is so now.
 * @param {Page} page
 */
function orderingOf({ news }) {
  return news.status === 'old' ? 'open' : news.value?.ordering ?? 'open';
}

// The promise, or what stands in its place.

/** @param {Page} page */
function slot(page) {
  const { news, menu } = page;
  const { status, value } = news;
  if (status === 'live' && value) {
    return value.ordering === 'open' ? promise(page, value) : shut(page, value);
  }
  if (status === 'loading' && !page.menuFailed) return waitingFor(page);
  const age = Number.isFinite(news.ageMs) ? ago(news.ageMs) : '';
  return html`
    <section class="notice" aria-label=${t('order.connection')}>
      <strong>${t(news.offline ? 'order.offline' : 'order.lost')}</strong>
      <p>
        ${age ? html`<span class="age">${t('order.last_heard', { age })}</span>` : nothing}
        ${menuAge(page)} ${t(menu ? 'order.lost_go_on' : 'order.lost_wait')}
      </p>
    </section>
  `;
}

/**
 * @param {Page} page
 * @param {Shop} shop
 */
function promise(page, shop) {
  const zone = page.menu?.shop.time_zone;
  const ahead = shop.ahead ?? 0;
  const parts = [ahead === 0 ? t('order.ahead_none') : t('order.ahead', { count: ahead })];
  parts.push(t(shop.no_barista ? 'order.kept_until_bar' : 'order.pick_up'));
  const { last_order_at: last } = shop;
  if (last !== undefined && last - page.now < 3_600_000) parts.push(t('order.last_order', { time: time(last, zone) }));
  return html`
    <section class="promise" aria-label=${t('order.wait')}>
      <strong>${promiseText(shop)}</strong>
      <p>${parts.join(' · ')}</p>
    </section>
  `;
}

/**
 * What stands above the menu, in words.
 * @param {Page} page
 */
export function slotText(page) {
  const { status, value, offline } = page.news;
  if (status !== 'live' || !value) return t(offline ? 'order.offline' : 'order.lost');
  return value.ordering === 'open' ? promiseText(value) : shutTexts(page, value).join('. ');
}

/** @param {Shop} shop */
function promiseText(shop) {
  if (!shop.promise) return t('order.promise_none');
  const to = Math.max(1, shop.promise.to_minutes);
  return t('order.promise', { minutes: minutes(Math.min(Math.max(1, shop.promise.from_minutes), to), to) });
}

/**
 * @param {Page} page
 * @param {Shop} shop
 */
function shut(page, shop) {
  const [strong, why] = shutTexts(page, shop);
  const kept = cart.count(page.cart.lines);
  // At the till the cart is a list to show; where the shop is closed, the menu is there to look through.
  const keeps = kept > 0 ? t(shop.ordering === 'till' ? 'order.kept_show' : 'order.kept', { count: kept }) : '';
  const look = shop.ordering === 'closed' && kept === 0 ? t('order.look_through') : '';
  return html`
    <section class="notice ${shop.ordering === 'paused' ? '' : 'shut'}" aria-label=${t('order.wait')}>
      <strong>${strong}</strong>
      <p>${[why, keeps, look].filter(Boolean).join(' ')}</p>
    </section>
  `;
}

/**
 * @param {Page} page
 * @param {Shop} shop
 * @returns {[string, string]} what is the case, and why and until when
 */
function shutTexts(page, shop) {
  switch (shop.ordering) {
    case 'till':
      return [t('order.till'), t('order.till_why')];
    case 'closed': {
      const until = opens(page, shop.opens_at, 'order.opens');
      if (shop.reason === 'last_order') return [t('order.last_order_over'), until];
      return [t('order.closed'), until];
    }
    default: {
      const until = opens(page, shop.reopens_at, 'order.opens', 'order.reopens') || t('order.reopens_soon');
      // Staff who know when it goes on are catching up; else it may be anything.
      const isCatchingUp = shop.reason === 'wait' || shop.reopens_at !== undefined;
      return [t('order.paused'), `${t(isCatchingUp ? 'order.paused_wait' : 'order.paused_staff')} ${until}`];
    }
  }
}

/**
 * When the shop opens, by its own clock; nothing without a time.
 * @param {Page} page
 * @param {number | undefined} ms
 * @param {import('./i18n.js').MessageKey} key says it of a day and a time
 * @param {import('./i18n.js').MessageKey} [roughly] says it of a time today that is not certain
 */
function opens(page, ms, key, roughly) {
  if (ms === undefined || !page.menu) return '';
  const zone = page.menu.shop.time_zone;
  const clock = time(ms, zone);
  const on = day(ms, page.now, zone);
  if (on !== day(page.now, page.now, zone)) return t(key, { at: t('order.day_at', { day: on, time: clock }) });
  return roughly ? t(roughly, { at: clock }) : t(key, { at: t('order.today_at', { time: clock }) });
}

/** @param {Page} page */
function waitingFor(page) {
  const said = page.slow ? [t('common.loading'), menuAge(page)].filter(Boolean).join(' ') : '';
  return html`
    <section class="promise" aria-label=${t('order.wait')} aria-busy="true">
      <span class="bone wide"></span>
      <p>${said || html`<span class="bone"></span>`}</p>
    </section>
  `;
}

/** @param {Page} page */
function menuAge(page) {
  if (!page.menu || page.menuIsFresh) return '';
  return t('order.menu_age', { age: ago(Math.max(0, Date.now() - page.menuAt)) });
}

/** @param {number} ms */
function ago(ms) {
  const s = Math.round(ms / 1_000);
  if (s < 100) return t('order.age_seconds', { count: s });
  const m = Math.round(s / 60);
  if (m < 100) return t('order.age_minutes', { count: m });
  const h = Math.round(m / 60);
  return h < 48 ? t('order.age_hours', { count: h }) : t('order.age_days', { count: Math.round(h / 24) });
}

/**
 * Instead of a menu.
 * @param {Page} page
 * @param {Actions} on
 */
function absent(page, on) {
  if (page.menuFailed) {
    return html`
      <div class="absent" role="alert">
        <strong>${t('order.menu_failed')}</strong>
        <p>${t('order.menu_failed_why')}</p>
        <button class="quiet" @click=${on.again}>${t('order.try_again')}</button>
      </div>
    `;
  }
  return [1, 2, 3, 4, 5].map(
    () => html`<div class="item"><div class="head"><div class="grow"><span class="bone wide"></span><span class="bone"></span></div><span class="bone round"></span></div></div>`,
  );
}

// The menu.

/** @param {Menu} menu */
function size(menu) {
  return menu.categories.reduce((sum, category) => sum + category.items.length, 0);
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function tabs(page, menu, on) {
  const current = page.category || menu.categories[0]?.id;
  if (size(menu) <= TABS_OVER || menu.categories.length < 2 || page.query.trim()) return html`<div class="edge"></div>`;
  return html`
    <nav class="tabs" aria-label=${t('order.menu')}>
      ${menu.categories.map(
        ({ id, name }) => html`
          <button data-tab=${id} lang=${langOf(word(name))} aria-current=${current === id ? 'true' : nothing} @click=${() => on.category(id)}>
            ${word(name)}
          </button>
        `,
      )}
    </nav>
  `;
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function search(page, menu, on) {
  if (size(menu) < SEARCH_FROM) return nothing;
  return html`
    <div class="search" role="search">
      <input
        type="search" enterkeyhint="search" autocomplete="off" dir="auto"
        aria-label=${t('order.search')} placeholder=${t('order.search')}
        .value=${page.query} @input=${(/** @type {any} */ event) => on.search(event.target.value)}
      />
    </div>
  `;
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function list(page, menu, on) {
  const wanted = page.query.trim();
  const matches = matcher(wanted);
  const found = menu.categories.map((category) => ({ ...category, items: category.items.filter(matches) }));
  if (wanted && found.every(({ items }) => items.length === 0)) {
    return html`<p class="absent">${t('order.found_none')} <bdi>“${wanted}”</bdi></p>`;
  }
  return found.map(({ id, name, items }, n) =>
    items.length === 0
      ? nothing
      : html`
          <section data-category=${id} aria-labelledby="category-${id}">
            <h2 id="category-${id}" tabindex="-1" lang=${langOf(word(name))} class=${n === 0 && size(menu) > TABS_OVER && !wanted ? 'vh' : ''}>${word(name)}</h2>
            ${items.map((item) => article(page, menu, item, on))}
          </section>
        `,
  );
}

/**
 * Whether an item is looked for: its name in any language has all the words, accents aside.
 * @param {string} wanted
 */
export function matcher(wanted) {
  const plain = (/** @type {string} */ text) => text.normalize('NFKD').replace(/\p{Mn}/gu, '').toLowerCase();
  const words = plain(wanted).split(/\s+/).filter(Boolean);
  return (/** @type {Item} */ item) => {
    const names = plain(`${item.name.en} ${item.name.ko}`);
    return words.every((word) => names.includes(word));
  };
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Item} item
 * @param {Actions} on
 */
function article(page, menu, item, on) {
  const lines = page.cart.lines.filter((line) => line.item === item.id);
  const gone = cart.isSoldOut(menu, item, page.soldOut);
  return html`
    <article class="item ${gone ? 'gone' : ''}" data-item=${item.id}>
      ${lines.length > 0 ? lines.map((line) => lineView(page, menu, item, line, lines.length > 1, gone, on)) : html`
        <div class="head">
          ${nameOf(page, menu, item, null, on)} ${control(page, item, gone, on)}
        </div>
        ${page.open.has(`item/${item.id}`) ? about(menu, item, null) : nothing}
      `}
    </article>
  `;
}

/**
 * @param {Page} page
 * @param {Item} item
 * @param {boolean} gone
 * @param {Actions} on
 */
function control(page, item, gone, on) {
  if (gone) return html`<span class="tag">${t('order.sold_out')}</span>`;
  if (isLocked(page)) return nothing;
  return html`
    <button class="add" aria-label=${t('order.add', { item: word(item.name) })} @click=${() => on.add(item)}>
      <span aria-hidden="true">+</span>
    </button>
  `;
}

/**
 * Nothing can be changed: the shop is closed, or the order is on its way.
 * @param {Page} page
 */
function isLocked(page) {
  return orderingOf(page) === 'closed' || page.cart.sent !== undefined;
}

/**
 * Name and price; a tap shows what there is to say about it.
 * @param {Page} page
 * @param {Menu} menu
 * @param {Item} item
 * @param {Line | null} line
 * @param {Actions} on
 */
function nameOf(page, menu, item, line, on) {
  const what = line ? `line/${line.id}` : `item/${item.id}`;
  const open = page.open.has(what);
  return html`
    <h3 class="grow">
      <button class="what" aria-expanded=${open} @click=${() => on.toggle(what, item.id)}>
        <span class="name" dir="auto" lang=${langOf(word(item.name))}>${word(item.name)}</span>
        <span class="price">${line ? lineText(menu, line, open) : price(item.price, menu.shop.currency)}</span>
        ${line && line.note && !open ? html`<span class="noted" dir="auto" lang=${langOf(line.note)}>${line.note}</span>` : nothing}
      </button>
    </h3>
  `;
}

/**
 * What one costs and what is chosen: short where the options are open.
 * @param {Menu} menu
 * @param {Line} line
 * @param {boolean} open
 */
export function lineText(menu, line, open) {
  const chosen = cart.choicesOf(menu, line);
  const one = price(cart.unitPrice(menu, line), menu.shop.currency);
  if (!open) return [one, chosen.map(({ choice }) => word(choice.name)).join(', ')].filter(Boolean).join(' · ');
  const each = line.quantity > 1 ? t('order.each', { price: one }) : one;
  const dearer = chosen.filter(({ choice }) => choice.price > 0).map(({ choice }) => inSentence(word(choice.name)));
  return dearer.length > 0 ? t('order.with', { price: each, options: dearer.join(', ') }) : each;
}

/**
 * A name within a sentence: `Oat` becomes `oat`, `XL` stays.
 * @param {string} name
 */
function inSentence(name) {
  return /^\p{Lu}\p{Ll}/u.test(name) ? name[0].toLowerCase() + name.slice(1) : name;
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Item} item
 * @param {Line} line
 * @param {boolean} several the item has several lines
 * @param {boolean} gone
 * @param {Actions} on
 */
function lineView(page, menu, item, line, several, gone, on) {
  const open = page.open.has(`line/${line.id}`);
  const locked = isLocked(page);
  return html`
    <div class="line" data-line=${line.id}>
      <div class="head">
        ${nameOf(page, menu, item, line, on)}
        ${gone && !locked ? html`<span class="tag">${t('order.sold_out')}</span>` : nothing}
        ${stepper(page, menu, line, several, gone, on)}
      </div>
      ${open && !locked && !gone ? options(page, menu, item, line, on) : nothing}
      ${open ? about(menu, item, line) : nothing}
      ${open && !locked && !gone ? more(page, item, line, on) : nothing}
    </div>
  `;
}

/**
 * How many; with buttons while it can be changed. What is sold out can only be taken out.
 * @param {Page} page
 * @param {Menu} menu
 * @param {Line} line
 * @param {boolean} several
 * @param {boolean} gone
 * @param {Actions} on
 */
export function stepper(page, menu, line, several, gone, on) {
  if (isLocked(page)) return html`<span class="many">${line.quantity}</span>`;
  const title = word(line.title);
  const choices = cart.choicesOf(menu, line).map(({ choice }) => word(choice.name));
  const item = several ? [title, ...choices].join(', ') : title;
  if (gone) {
    return html`
      <button class="add" aria-label=${t('order.remove', { item })} @click=${() => on.quantity(line, 0)}><span aria-hidden="true">−</span></button>
    `;
  }
  return html`
    <div class="step" role="group" aria-label=${item}>
      <button class="minus" aria-label=${t('order.less', { item })} @click=${() => on.quantity(line, line.quantity - 1)}>−</button>
      <output aria-live="polite">${line.quantity}</output>
      <button class="plus" aria-label=${t('order.more', { item })} @click=${() => on.quantity(line, line.quantity + 1)}>+</button>
    </div>
  `;
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Item} item
 * @param {Line} line
 * @param {Actions} on
 */
export function options(page, menu, item, line, on) {
  const groups = cart.groupsOf(menu, item);
  if (groups.length === 0) return nothing;
  return html`
    <div class="opts">
      ${groups.map((group) => {
        const label = `group-${line.id}-${group.id}`;
        return html`
          <span class="label" id=${label} lang=${langOf(word(group.name))}>${word(group.name)}</span>
          <div class="seg" role="radiogroup" aria-labelledby=${label} @keydown=${arrows}>
            ${group.choices.map((choice) => chip(page, menu, line, group, choice, on))}
          </div>
        `;
      })}
    </div>
  `;
}

/**
 * Arrow keys move within a group and choose, as with any radio buttons.
 * @param {KeyboardEvent} event
 */
function arrows(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const group = /** @type {HTMLElement} */ (event.currentTarget);
  const chips = /** @type {HTMLElement[]} */ ([...group.querySelectorAll('[role=radio]:not([aria-disabled])')]);
  const at = chips.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = chips[(at + step + chips.length) % chips.length];
  next?.click();
  next?.focus();
}

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Line} line
 * @param {Group} group
 * @param {Choice} choice
 * @param {Actions} on
 */
function chip(page, menu, line, group, choice, on) {
  const checked = line.options[group.id] === choice.id;
  const gone = page.soldOut.has(cart.choiceId(group, choice));
  // One stop for the keyboard in each group: the chosen one, or the first if what was chosen is sold out.
  const chosen = group.choices.find((choice) => choice.id === line.options[group.id]);
  const stop = chosen && !page.soldOut.has(cart.choiceId(group, chosen))
    ? chosen
    : group.choices.find((choice) => !page.soldOut.has(cart.choiceId(group, choice)));
  const extra = gone ? t('order.sold_out') : choice.price > 0 ? `+${price(choice.price, menu.shop.currency)}` : '';
  return html`
    <button
      role="radio" aria-checked=${checked} aria-disabled=${gone ? 'true' : nothing} tabindex=${choice === stop ? 0 : -1}
      @click=${() => (gone ? undefined : on.choose(line, group, choice))}
    ><span class="choice" lang=${langOf(word(choice.name))}>${word(choice.name)}</span>${extra ? html`<small>${extra}</small>` : nothing}</button>
  `;
}

/**
 * What it is, and what people may have to avoid.
 * @param {Menu} menu
 * @param {Item} item
 * @param {Line | null} line
 */
function about(menu, item, line) {
  const chosen = line ? cart.choicesOf(menu, line).map(({ choice }) => choice) : [];
  const all = new Set([...item.allergens, ...chosen.flatMap((choice) => choice.allergens)]);
  // Before anything is chosen: what each choice would add.
  const choices = line ? [] : cart.groupsOf(menu, item).flatMap((group) => group.choices);
  const more = choices.flatMap((choice) => {
    const added = choice.allergens.filter((allergen) => !all.has(allergen));
    return added.length > 0 ? t('order.choice_contains', { choice: word(choice.name), allergens: names(menu, added) }) : [];
  });
  if (!item.description && all.size === 0 && more.length === 0) return nothing;
  return html`
    <div class="about">
      ${item.description ? html`<p dir="auto" lang=${langOf(word(item.description))}>${word(item.description)}</p>` : nothing}
      ${all.size > 0 ? html`<p>${t('order.contains', { allergens: names(menu, [...all]) })}</p>` : nothing}
      ${more.length > 0 ? html`<p>${more.join(' · ')}</p>` : nothing}
    </div>
  `;
}

/**
 * @param {Menu} menu
 * @param {string[]} allergens
 */
function names(menu, allergens) {
  const known = (/** @type {string} */ id) => menu.allergens?.find((allergen) => allergen.id === id)?.name;
  return allergens.map((id) => inSentence(word(known(id)) || id)).join(', ');
}

/**
 * A note, and one made different.
 * @param {Page} page
 * @param {Item} item
 * @param {Line} line
 * @param {Actions} on
 */
function more(page, item, line, on) {
  const writing = line.note !== '' || page.noteOf === line.id;
  return html`
    ${writing ? note(item, line, on) : nothing}
    <div class="more">
      ${writing ? nothing : html`
        <button @click=${() => on.note(line)}>
          <svg class="ic" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5h16v11H10l-4 4v-4H4z"/></svg>${t('order.note')}
        </button>`}
      ${line.quantity > 1 && cart.groupsOf(/** @type {Menu} */ (page.menu), item).length > 0 ? html`
        <button @click=${() => on.split(line)}>
          <svg class="ic" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8h16M4 16h7M15 16h6M18 13v6"/></svg>${t('order.different')}
        </button>` : nothing}
    </div>
  `;
}

/**
 * @param {Item} item
 * @param {Line} line
 * @param {Actions} on
 */
function note(item, line, on) {
  const has = cart.characters(line.note.trim());
  const over = has > cart.LIMITS.note;
  return html`
    <div class="note">
      <label for="note-${line.id}">${t('order.note_for', { item: word(item.name) })}</label>
      <textarea
        id="note-${line.id}" rows="2" dir="auto" aria-describedby="count-${line.id}" aria-invalid=${over}
        .value=${line.note} @input=${(/** @type {any} */ event) => on.write(line, event.target.value)}
      ></textarea>
      <p id="count-${line.id}" class=${over ? 'over' : ''}>
        ${t(over ? 'order.note_over' : 'order.note_count', { count: has, max: cart.LIMITS.note })}
      </p>
    </div>
  `;
}

// The cart and what can be done with it.

/**
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function foot(page, menu, on) {
  const { lines } = page.cart;
  const told = telling(page, menu, on);
  if (lines.length === 0) return told === nothing ? nothing : html`<footer>${told}</footer>`;
  const n = cart.count(lines);
  const ordering = orderingOf(page);
  const before = menu.shop.payment === 'before';
  const what = ordering !== 'open' ? t('order.items_kept', { count: n })
    : before ? t('order.items', { count: n }) : t('order.items_pay', { count: n });
  return html`
    <footer>
      ${told}
      ${page.basket ? basket(page, menu, on) : nothing}
      ${before && ordering === 'open' ? html`<p class="first">${t('order.pay_first')}</p>` : nothing}
      <div class="bar">
        <button class="basket" aria-expanded=${page.basket} aria-label=${t('order.basket', { what, total: price(cart.total(menu, lines), menu.shop.currency) })} @click=${on.basket}>
          <span class="count">${what}<svg class="ic" viewBox="0 0 24 24" aria-hidden="true"><path d=${page.basket ? 'M6 9l6 6 6-6' : 'M6 15l6-6 6 6'}/></svg></span>
          <strong>${price(cart.total(menu, lines), menu.shop.currency)}</strong>
        </button>
        ${act(page, menu, on)}
      </div>
    </footer>
  `;
}

/**
 * The one thing to do, or why there is none.
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function act(page, menu, on) {
  const { sending } = page;
  const primary = (/** @type {string} */ label, /** @type {() => void} */ click, busy = false) =>
    html`<button class="primary" aria-busy=${busy ? 'true' : nothing} @click=${click}>${label}</button>`;
  switch (sending.is) {
    case 'sending':
      return primary(t(page.slow ? 'order.sending' : 'order.order'), () => {}, true);
    case 'waiting':
      return html`<p class="wait"><span class="muted">${t(sending.why === 'elsewhere' || page.cart.sent?.doubt ? 'common.loading' : 'order.sent_by_itself')}</span></p>`;
    case 'unsure':
      return sending.late ? nothing : primary(t('order.send_again'), on.order);
    case 'used':
      return nothing;
    case 'failed':
      if (sending.until > page.elapsed) return html`<p class="wait"><span class="muted">${t('order.again_in', { count: Math.ceil((sending.until - page.elapsed) / 1_000) })}</span></p>`;
  }
  const shop = page.news.value;
  if (shop && orderingOf(page) !== 'open') return html`<p class="wait">${waitText(page, shop)}</p>`;
  const first = cart.obstacles(menu, page.cart.lines, page.soldOut)[0];
  if (first) return primary(t(first.is === 'item' ? 'order.take_out' : first.is === 'note' ? 'order.shorten' : 'order.choose_again'), () => on.resolve(first));
  return primary(t(sending.is === 'failed' && sending.why !== 'lines' ? 'order.send_again' : 'order.order'), on.order);
}

/**
 * @param {Page} page
 * @param {Shop} shop
 */
function waitText(page, shop) {
  if (shop.ordering === 'till') return t('order.till');
  if (shop.ordering === 'closed') return opens(page, shop.opens_at, 'order.opens_short') || t('order.closed');
  const until = opens(page, shop.reopens_at, 'order.opens_short', 'order.opens_about') || t('order.paused');
  return html`${until}<br /><span class="muted">${t('order.or_at_counter')}</span>`;
}

/**
 * All lines: from eight on they scroll.
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function basket(page, menu, on) {
  return html`
    <section class="lines" aria-label=${t('order.your_order')} tabindex="0">
      ${page.cart.lines.map((line) => {
        const gone = cart.obstacles(menu, [line], page.soldOut).some(({ is }) => is === 'item');
        return html`
          <div class="head ${gone ? 'gone' : ''}" data-row=${line.id}>
            <div class="grow">
              <div class="name" dir="auto" lang=${langOf(word(line.title))}>${word(line.title)}</div>
              <div class="price">${lineText(menu, line, false)}</div>
              ${line.note ? html`<div class="noted" dir="auto" lang=${langOf(line.note)}>${line.note}</div>` : nothing}
            </div>
            ${stepper(page, menu, line, true, gone, on)}
          </div>
        `;
      })}
    </section>
  `;
}

/**
 * What has to be said above the button.
 * @param {Page} page
 * @param {Menu} menu
 * @param {Actions} on
 */
function telling(page, menu, on) {
  const { sending } = page;
  const tell = (/** @type {unknown} */ strong, /** @type {unknown} */ rest, /** @type {unknown} */ below = nothing) =>
    html`<section class="tell" role="alert"><strong>${strong}</strong>${rest ? html`<p>${rest}</p>` : nothing}${below}</section>`;
  const button = (/** @type {string} */ label, /** @type {() => void} */ click) =>
    html`<button class="quiet" @click=${click}>${label}</button>`;
  switch (sending.is) {
    case 'waiting':
      if (sending.why === 'elsewhere') return tell(t('order.elsewhere'), t('order.elsewhere_why'));
      // Whatever keeps it from being asked now: it may have arrived before.
      if (page.cart.sent?.doubt) return tell(t('order.doubt'), t('order.doubt_why'), button(t('order.stop_asking'), on.dontSend));
      return tell(t('order.not_sent_yet'), t(sending.why === 'starting' ? 'order.waiting_starting' : 'order.waiting_unreached'), button(t('order.dont_send'), on.dontSend));
    case 'unsure':
      // What keeps it comes first, where the finger is: a second tap changes nothing.
      if (sending.sure) return tell(t('order.change_sure'), t('order.change_sure_why'), html`
        <div class="row ask">
          ${button(t('order.change_keep'), on.keepIt)}
          ${button(t('order.change_yes'), on.changeAnyway)}
        </div>`);
      return tell(t('order.unsure'), t(sending.late ? 'order.unsure_late' : 'order.unsure_why'), button(t('order.change_anyway'), on.changeInstead));
    case 'in':
      return sending.failures > 0
        ? tell(t('order.in'), t('order.in_why'), button(t('order.see_it'), on.openPager))
        : tell(t('order.in'), t('common.loading'));
    case 'used':
      return tell(t('order.used'), t('order.used_why'), html`
        <div class="row">
          <a class="button quiet" href=${withLanguage(`/o/${encodeURIComponent(sending.id)}`)}>${t('order.see_it')}</a>
          ${button(t('order.new_order'), on.changeAnyway)}
        </div>`);
    case 'failed': {
      if (sending.why === 'refused') return tell(t('order.not_sent'), html`${t('order.refused')} <span lang="en">${sending.detail}</span>`);
      if (sending.why === 'lines') return tell(t('order.full'), fullText(menu, page.cart.lines));
      const why = sending.why === 'too_many' ? t('order.too_many') : '';
      return tell(t('order.not_sent'), [t('order.still_here'), why].filter(Boolean).join(' '));
    }
  }
  const found = cart.obstacles(menu, page.cart.lines, page.soldOut);
  if (page.changes.length > 0 || page.menuChanged) {
    const all = [...page.changes.map((change) => changeText(menu, change)), ...found.map((obstacle) => obstacleText(obstacle))];
    const texts = [...new Set(all)];
    return tell(t('order.changed'), html`${texts.map((text) => html`<span class="change">${text}</span>`)} ${t('order.check')}`, button(t('order.understood'), on.understood));
  }
  if (found.length > 0) return tell(obstacleText(found[0]), found.length > 1 ? t('order.and_more', { count: found.length - 1 }) : '');
  return nothing;
}

/** Why no more goes into one order. @param {Menu} menu @param {Line[]} lines */
function fullText(menu, lines) {
  const count = cart.phoneCups(menu);
  return cart.room(lines, count).cup ? t('order.full_lines', { lines: cart.LIMITS.lines }) : t('order.full_cups', { count });
}

/**
 * @param {Menu} menu
 * @param {cart.Change} change
 */
export function changeText(menu, change) {
  const item = word(change.title);
  switch (change.is) {
    case 'price':
      return t('order.price_changed', { item, from: price(change.from, menu.shop.currency), to: price(change.to, menu.shop.currency) });
    case 'gone':
      return t('order.item_gone', { item });
    default:
      return t('order.choice_gone', { item });
  }
}

/** @param {cart.Obstacle} obstacle */
export function obstacleText(obstacle) {
  const item = word(obstacle.line.title);
  switch (obstacle.is) {
    case 'item':
      return t('order.item_sold_out', { item });
    case 'choice':
      return t('order.choice_sold_out', { item, choice: word(obstacle.choice.name) });
    default:
      return t('order.note_too_long', { item, count: obstacle.has, max: cart.LIMITS.note });
  }
}
