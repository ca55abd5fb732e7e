/**
 * The reasons that are ready-made, in both languages side by side: an order has them as one text, in the language of whoever
 * tapped it, and whoever reads it may have chosen the other. Only add to these: what logs have keeps its words.
 */
export default {
  milk: { en: 'Wrong milk', ko: '우유가 달라요' },
  drink: { en: 'Wrong drink', ko: '다른 음료예요' },
  size: { en: 'Wrong size', ko: '크기가 달라요' },
  spilled: { en: 'Spilled', ko: '쏟았어요' },
  missing: { en: 'Something is missing', ko: '빠진 것이 있어요' },
  sold_out: { en: 'Sold out', ko: '품절이에요' },
  customer: { en: 'The customer asked', ko: '손님이 요청했어요' },
  mistake: { en: 'Ordered by mistake', ko: '잘못 들어온 주문이에요' },
  closing: { en: 'We are closing', ko: '영업을 마쳐요' },
  before: { en: 'Left from the day before', ko: '지난 영업일에 남은 주문이에요' },
  slip: { en: 'made by mistake', ko: '잘못 들어간 주문이에요' },
};
