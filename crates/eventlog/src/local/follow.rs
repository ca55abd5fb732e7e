//! Everyone sees everything that is committed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    failure::Failure,
    pages::{self, PAGE_RECORDS, Read},
    shared::Shared,
};
use crate::{Batch, Follow, FollowError, Offset, OpenError, Position, Start, Topic};

pub(super) struct Follower {
    shared: Arc<Shared>,
    cursors: Vec<Cursor>,
    /// Which cursor is read first: each has its turn, so that a busy topic does not starve the others.
    turn: usize,
    /// Whether the last batch said that it reached the end.
    told_end: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    topic: usize,
    next: Offset,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, topics: &[(Topic, Start)]) -> Result<Self, OpenError> {
        let mut follower = Self { shared, cursors: Vec::new(), turn: 0, told_end: false };
        for (topic, start) in topics {
            follower.place(topic, start).map_err(|error| match error {
                FollowError::Closed => OpenError::Closed,
                FollowError::Broken(why) => OpenError::Broken(why),
                other => OpenError::Storage(other.to_string()),
            })?;
        }
        Ok(follower)
    }

    fn place(&mut self, name: Topic, start: &Start) -> Result<(), FollowError> {
        let missing = || FollowError::Storage(format!("the log has no topic {name}"));
        let topic = self.shared.topic(name).ok_or_else(missing)?;
        let head = self.shared.head(topic);
        let next = match start {
            Start::Beginning => head.start,
            Start::End => head.end,
            Start::Time(time) => pages::find_time(&self.shared, topic, *time)
                .map_err(|error| self.failed(&format!("look for a time in {name}"), &error))?
                .max(head.start),
            Start::Offsets(offsets) => offsets
                .iter()
                .find(|(partition, _)| *partition == 0)
                .map_or(head.start, |(_, offset)| *offset),
        };
        self.cursors.push(Cursor { topic, next });
        self.told_end = false;
        Ok(())
    }

    /// What a failed read means; the files may also have been closed while it read. Damage ends this follower
    /// alone: who looks at a past that nobody else needs must not end the line.
    fn failed(&self, what: &str, error: &Failure) -> FollowError {
        match (self.shared.ended(), self.shared.damage(error)) {
            (Some(ended), _) => ended.into(),
            (None, Some(why)) => FollowError::Broken(why),
            (None, None) => FollowError::Storage(format!("cannot {what}: {error}")),
        }
    }

    /// One page of each topic, as far as there is room.
    fn read(&mut self, ends: &[Offset]) -> Result<Batch, FollowError> {
        let mut batch = Batch::default();
        let count = self.cursors.len();
        self.turn = self.turn.wrapping_add(1);
        for place in 0..count {
            let place = (self.turn + place) % count;
            let Cursor { topic, next } = self.cursors[place];
            let room = PAGE_RECORDS.saturating_sub(batch.entries.len());
            if next >= ends[place] || room == 0 {
                continue;
            }
            let spec = self.shared.topics[topic].spec;
            match pages::read(&self.shared, topic, next, ends[place], room) {
                Ok(Read::Page(entries, next)) => {
                    self.cursors[place].next = next;
                    if batch.entries.is_empty() {
                        batch.entries = entries;
                    } else {
                        batch.entries.extend(entries);
                    }
                }
                Ok(Read::Gone(earliest)) => {
                    return Err(FollowError::Gone { topic: spec.name, partition: 0, wanted: next, earliest });
                }
                Err(error) => return Err(self.failed(&format!("read {} from {next} on", spec.name), &error)),
            }
        }
        batch.at_end = self.cursors.iter().zip(ends).all(|(cursor, end)| cursor.next >= *end);
        Ok(batch)
    }
}

impl Follow for Follower {
    fn poll(&mut self, wait: Duration) -> Result<Batch, FollowError> {
        let deadline = Instant::now().checked_add(wait);
        let shared = self.shared.clone();
        loop {
            let mut state = shared.state();
            let ends: Vec<Offset> = loop {
                if let Some(end) = state.end.clone() {
                    return Err(end.into());
                }
                let ends: Vec<_> = self.cursors.iter().map(|cursor| state.heads[cursor.topic].end).collect();
                if !self.told_end || self.cursors.iter().zip(&ends).any(|(cursor, end)| cursor.next < *end) {
                    break ends;
                }
                match shared.wait(state, deadline) {
                    Some(changed) => state = changed,
                    None => return Ok(Batch { entries: Vec::new(), at_end: true }),
                }
            };
            drop(state);
            let batch = self.read(&ends)?;
            // That the end was reached is said once without waiting, so that a view knows when it is complete.
            if !batch.entries.is_empty() || batch.at_end {
                self.told_end = batch.at_end;
                return Ok(batch);
            }
        }
    }

    fn add(&mut self, topic: Topic, start: Start) -> Result<(), FollowError> {
        self.place(topic, &start)
    }

    fn positions(&self) -> Vec<Position> {
        let position = |cursor: &Cursor| Position {
            topic: self.shared.topics[cursor.topic].spec.name,
            partition: 0,
            offset: cursor.next,
        };
        self.cursors.iter().map(position).collect()
    }
}
