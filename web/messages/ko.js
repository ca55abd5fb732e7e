/**
 * Every text of the pages in Korean, 해요체. One JSON object, as in `en.js`, with the same keys and the same `{name}`s.
 * @type {Record<import('../lib/i18n.js').MessageKey, string>}
 */
export default {
  "common.slow": "시간이 오래 걸리고 있어요. 연결을 확인한 뒤",
  "common.reload": "다시 불러와 주세요",
  "common.loading": "잠시만요…",
  "common.no_script": "이 페이지는 자바스크립트가 필요해요. 없으면 카운터에서 주문해 주세요.",
  "common.other_language": "English",
  "common.minutes": "{from}분",
  "common.minutes_range": "{from}–{to}분",
  "common.won": "{amount}원",
  "order.title": "주문하기",
  "pager.title": "내 주문",
  "table.title": "테이블 카드",
  "privacy.title": "개인정보"
};
