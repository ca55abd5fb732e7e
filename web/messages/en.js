/**
 * Every text of the pages in English. One JSON object, read also when the pages are built: no comments in it, no comma
 * at the end. Keys begin with the page that uses them; `{name}` is filled in; `KEY.one` is used for exactly one.
 */
export default {
  "common.slow": "This is taking long. Check your connection, then",
  "common.reload": "load the page again",
  "common.loading": "One moment…",
  "common.no_script": "This page needs JavaScript. Without it, please order at the counter.",
  "common.other_language": "한국어",
  "common.minutes": "{from} min",
  "common.minutes_range": "{from}–{to} min",
  "common.won": "₩{amount}",
  "order.title": "Order",
  "pager.title": "Your order",
  "table.title": "Table card",
  "privacy.title": "Privacy"
};
