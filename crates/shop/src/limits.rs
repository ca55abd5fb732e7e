//! Bounds on what a shop may say.

use std::ops::RangeInclusive;

/// Bounds on what a shop may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits;

impl Limits {
    /// Bytes of a file.
    pub const FILE_BYTES: usize = 1024 * 1024;
    /// Characters of an id.
    pub const ID_CHARS: usize = 40;
    /// Characters of a name, in each language.
    pub const NAME_CHARS: usize = 80;
    /// Characters of a description, in each language.
    pub const DESCRIPTION_CHARS: usize = 300;
    /// Categories of a menu.
    pub const CATEGORIES: usize = 50;
    /// Items of a menu, in all its categories.
    pub const ITEMS: usize = 500;
    /// Option groups of a menu.
    pub const OPTIONS: usize = 100;
    /// Choices of an option group.
    pub const CHOICES: usize = 30;
    /// Option groups of one item: as many as an order's line may have.
    pub const OPTIONS_OF_ITEM: usize = 20;
    /// Allergens of one item or choice.
    pub const ALLERGENS: usize = 20;
    /// A price, in the currency's smallest unit.
    pub const PRICE: RangeInclusive<u64> = 0..=100_000_000;
    /// Hands-on seconds a cup.
    pub const SECONDS: RangeInclusive<u32> = 0..=3_600;
    /// The longest wait for which orders are taken, in minutes.
    pub const LONGEST_WAIT_MINUTES: RangeInclusive<u32> = 1..=1_440;
    /// Cups of the largest order that a phone may place: at most as many as any order has.
    pub const LARGEST_PHONE_ORDER_CUPS: RangeInclusive<u16> = 1..=order::Limits::AMOUNT;
    /// How long before closing the last order is taken, in minutes.
    pub const LAST_ORDER_MINUTES: RangeInclusive<u32> = 0..=240;
    /// Times of one day at which a shop opens.
    pub const RANGES_OF_DAY: usize = 10;
    /// Where a printer listens.
    pub const ADDRESS_BYTES: usize = 255;
    /// Mistakes that are told at once.
    pub const MISTAKES: usize = 20;
}
