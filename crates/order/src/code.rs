//! Pickup codes: a number that is unique among the live orders of a partition, and a word and a symbol that
//! follow from it.

use serde::Serialize;

/// A pickup code as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Code {
    /// Unique among the live orders of its partition.
    pub number: u32,
    /// To be called aloud; may repeat.
    pub words: Words,
    /// The name of the drawing that goes with the word.
    pub symbol: &'static str,
}

/// One word in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CodeWords"))]
pub struct Words {
    /// English, at most 7 letters.
    pub en: &'static str,
    /// Korean, at least 2 syllables.
    pub ko: &'static str,
}

impl Code {
    /// The code with this number.
    pub fn of(number: u32) -> Self {
        let (en, ko) = WORDS[number as usize % WORDS.len()];
        Self { number, words: Words { en, ko }, symbol: en }
    }

    /// The number as it is shown, with the partition's letters before it where there are several: `27`, `B27`.
    pub fn label(number: u32, partition: Option<u32>) -> String {
        partition.map_or_else(|| number.to_string(), |partition| format!("{}{number}", letters(partition)))
    }

    /// A partition as it stands before a number.
    pub fn partition(partition: u32) -> String {
        letters(partition)
    }
}

/// A, B, … Z, AA, AB, …
fn letters(partition: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(partition) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Things that everyone can name and anyone can draw, chosen so that no two sound alike in either language.
const WORDS: [(&str, &str); 64] = [
    ("acorn", "도토리"),
    ("anchor", "닻줄"),
    ("apple", "사과"),
    ("balloon", "풍선"),
    ("banana", "바나나"),
    ("basket", "바구니"),
    ("bear", "곰돌이"),
    ("bicycle", "자전거"),
    ("bird", "참새"),
    ("book", "공책"),
    ("bridge", "다리"),
    ("bus", "버스"),
    ("cactus", "선인장"),
    ("camera", "카메라"),
    ("candle", "양초"),
    ("carrot", "당근"),
    ("castle", "성곽"),
    ("cat", "고양이"),
    ("cherry", "체리"),
    ("clock", "시계"),
    ("cloud", "구름"),
    ("key", "열쇠"),
    ("crown", "왕관"),
    ("dolphin", "돌고래"),
    ("drum", "장구"),
    ("feather", "깃털"),
    ("fish", "물고기"),
    ("mango", "망고"),
    ("flower", "꽃잎"),
    ("fox", "여우"),
    ("ghost", "유령"),
    ("gift", "선물"),
    ("guitar", "기타"),
    ("flag", "깃발"),
    ("hammer", "망치"),
    ("hat", "모자"),
    ("heart", "하트"),
    ("house", "지붕"),
    ("kite", "방패연"),
    ("leaf", "나뭇잎"),
    ("lemon", "레몬"),
    ("lion", "사자"),
    ("magnet", "자석"),
    ("moon", "초승달"),
    ("mug", "머그잔"),
    ("ocean", "바다"),
    ("onion", "양파"),
    ("panda", "판다"),
    ("pear", "서양배"),
    ("pencil", "연필"),
    ("piano", "피아노"),
    ("planet", "행성"),
    ("rabbit", "토끼"),
    ("robot", "로봇"),
    ("rocket", "로켓"),
    ("shell", "조개"),
    ("snail", "달팽이"),
    ("star", "별빛"),
    ("sun", "햇님"),
    ("tent", "텐트"),
    ("train", "기차"),
    ("turtle", "거북이"),
    ("whale", "흰고래"),
    ("wheel", "바퀴"),
];

/// Which numbers are in use: gives the next free one after the last one given, cycling through 1 to 99, and
/// numbers of more digits when all of those are in use.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    last: u32,
    /// One set for each number of digits: 1–99, 100–999, 1,000–9,999, …
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    first: u32,
    size: u32,
    used: u32,
    bits: Vec<u64>,
}

impl Codes {
    /// None in use, the last one given being `last`.
    pub fn new(last: u32) -> Self {
        Self { last, levels: Vec::new() }
    }

    /// The last number given.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// The number that would be given now.
    pub fn next(&self) -> u32 {
        let fresh = || Level::nth(self.levels.len());
        let free = self.levels.iter().find_map(|level| level.next_after(self.last));
        free.or_else(|| fresh().next_after(self.last)).unwrap_or_else(|| fresh().first)
    }

    /// Whether nobody has this number.
    pub fn is_free(&self, number: u32) -> bool {
        let Some(level) = self.levels.get(level_of(number)) else { return true };
        !level.has(number)
    }

    /// `number` is in use from now on, and the last one given if `given`.
    pub fn take(&mut self, number: u32, given: bool) {
        if number == 0 {
            return;
        }
        while self.levels.len() <= level_of(number) {
            self.levels.push(Level::nth(self.levels.len()));
        }
        self.levels[level_of(number)].set(number, true);
        if given {
            self.last = number;
        }
    }

    /// `number` is free again.
    pub fn release(&mut self, number: u32) {
        if let Some(level) = self.levels.get_mut(level_of(number)) {
            level.set(number, false);
        }
    }
}

fn level_of(number: u32) -> usize {
    match number {
        0..=99 => 0,
        _ => number.ilog10() as usize - 1,
    }
}

impl Level {
    fn nth(n: usize) -> Self {
        let first = if n == 0 { 1 } else { 10_u32.saturating_pow(u32::try_from(n + 1).unwrap_or(u32::MAX)) };
        let end = 10_u32.saturating_pow(u32::try_from(n + 2).unwrap_or(u32::MAX));
        Self { first, size: end - first, used: 0, bits: Vec::new() }
    }

    fn has(&self, number: u32) -> bool {
        let index = number.wrapping_sub(self.first) as usize;
        self.bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn set(&mut self, number: u32, used: bool) {
        let index = number.wrapping_sub(self.first) as usize;
        if number < self.first || self.has(number) == used {
            return;
        }
        // The set grows as far as it is used: a level of a billion costs nothing before.
        if self.bits.len() <= index / 64 {
            self.bits.resize(index / 64 + 1, 0);
        }
        self.bits[index / 64] ^= 1 << (index % 64);
        if used { self.used += 1 } else { self.used -= 1 }
    }

    /// The first free number after `last` in this level, from its start again behind its end.
    fn next_after(&self, last: u32) -> Option<u32> {
        if self.used >= self.size {
            return None;
        }
        let from = match last {
            last if last < self.first || last - self.first >= self.size => 0,
            last => last - self.first + 1,
        };
        let free = self.free_from(from).filter(|index| *index < self.size).or_else(|| self.free_from(0))?;
        (free < self.size).then_some(self.first + free)
    }

    fn free_from(&self, from: u32) -> Option<u32> {
        let mut word = from / 64;
        let mut mask = !0_u64 << (from % 64);
        loop {
            let bits = self.bits.get(word as usize).copied().unwrap_or(0);
            let free = !bits & mask;
            if free != 0 {
                return Some(word * 64 + free.trailing_zeros());
            }
            mask = !0;
            word = word.checked_add(1)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_64_different_words_of_at_most_7_letters_and_2_syllables_or_more() {
        assert_eq!(WORDS.iter().map(|w| w.0).collect::<HashSet<_>>().len(), 64);
        assert_eq!(WORDS.iter().map(|w| w.1).collect::<HashSet<_>>().len(), 64);
        for (en, ko) in WORDS {
            assert!(en.len() <= 7 && en.bytes().all(|b| b.is_ascii_lowercase()), "{en}");
            assert!(ko.chars().count() >= 2 && ko.chars().all(|c| ('가'..='힣').contains(&c)), "{ko}");
        }
        assert_eq!(Code::of(27).words, Words { en: "mango", ko: "망고" });
    }

    #[test]
    fn numbers_cycle_through_1_to_99_and_skip_those_in_use() {
        let mut codes = Codes::default();
        for expected in 1..=99 {
            let number = codes.next();
            assert_eq!(number, expected);
            codes.take(number, true);
        }
        codes.release(40);
        codes.release(7);
        assert_eq!(codes.next(), 7, "after 99 comes the lowest free one");
        codes.take(7, true);
        assert_eq!(codes.next(), 40);
        codes.take(40, true);
        assert_eq!(codes.next(), 100, "more digits when all are in use");
        codes.take(100, true);
        assert_eq!(codes.next(), 101);
        codes.release(3);
        assert_eq!(codes.next(), 3, "short numbers again as soon as there is one");
    }

    #[test]
    fn every_level_can_be_filled() {
        let mut codes = Codes::default();
        let mut seen = HashSet::new();
        for _ in 0..12_345 {
            let number = codes.next();
            assert!(codes.is_free(number));
            assert!(seen.insert(number));
            codes.take(number, true);
        }
        assert_eq!(seen.iter().max(), Some(&12_345));
    }

    #[test]
    fn partitions_are_lettered_like_columns() {
        assert_eq!([0, 1, 25, 26, 27, 701, 702].map(letters), ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]);
    }
}
