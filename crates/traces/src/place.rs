//! The names of spans that follow from the order's place in the log. Whoever makes the span and whoever makes one below
//! it, in another process perhaps, come to the same name without asking each other; and a decision that is made once more,
//! because its transaction came to nothing, has the name that it had.

use std::num::NonZeroU64;

use order::{At, TraceContext};
use twox_hash::XxHash3_64;

/// The decision after which the order at this place has this version.
pub fn decided(trace: TraceContext, order: At, version: u32) -> NonZeroU64 {
    name(trace, order, version.into(), b'd')
}

/// The decision on the command at this place. Some change nothing, and so the order's version does not tell them apart.
pub fn asked(trace: TraceContext, command: At) -> NonZeroU64 {
    name(trace, command, 0, b'a')
}

/// The record of `order.processed` that announces this round of the order at this place.
pub fn announced(trace: TraceContext, order: At, round: u32) -> NonZeroU64 {
    name(trace, order, round.into(), b'p')
}

/// One client may order several times in one trace: the place tells its orders apart.
fn name(trace: TraceContext, at: At, number: u64, what: u8) -> NonZeroU64 {
    let parts: [&[u8]; 5] = [
        &trace.trace.get().to_le_bytes(),
        &at.partition.to_le_bytes(),
        &at.offset.to_le_bytes(),
        &number.to_le_bytes(),
        &[what],
    ];
    let mut bytes = [0; 16 + 4 + 8 + 8 + 1];
    for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    NonZeroU64::new(XxHash3_64::oneshot(&bytes)).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_what_they_are_and_differ() {
        let trace = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        let at = |offset| At { partition: 0, offset };
        // Another release may run beside this one.
        assert_eq!(format!("{:016x}", announced(trace, at(7), 1)), "f565de9098011693");
        let mut names = vec![
            decided(trace, at(7), 1),
            decided(trace, at(7), 2),
            decided(trace, at(8), 1),
            asked(trace, at(7)),
            announced(trace, at(7), 1),
        ];
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 5);
    }
}
