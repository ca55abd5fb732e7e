//! One suite of scenarios that every adapter passes.
//!
//! An adapter brings a [`Bed`]: how its log is opened, crashed and broken. `eventlog::conformance_suite!`
//! then makes one `#[test]` of each scenario, so that a failure has a name:
//!
//! ```ignore
//! eventlog::conformance_suite!(LocalBed::new(), without: ["work::workers_share_the_partitions"]);
//! ```
//!
//! The scenarios hold for a simulator that moves only when told as for a broker on another machine: they
//! wait for events with a generous bound, never for a time; offsets may have gaps; a topic may have any
//! number of partitions. What an adapter can't be made to do ([`Bed::can`]) is left out; a test of its own holds
//! that to the list that stands with the suite.

mod commit;
mod fault;
mod follow;
mod keep;
mod publish;
mod tools;
mod work;

use std::{sync::Arc, time::Duration};

pub use self::tools::read_all;
pub use crate::block_on;
use crate::{Cleanup, Log, Partitions, Topic, TopicSpec};

/// Input that is shared out among workers.
pub const INPUT: Topic = "conformance.input";
/// Input that goes with [`INPUT`].
pub const COMMAND: Topic = "conformance.command";
/// What a worker writes.
pub const OUTPUT: Topic = "conformance.output";
/// What a worker knows.
pub const STATE: Topic = "conformance.state";
/// Compacted, one partition, written by publishers.
pub const SETTINGS: Topic = "conformance.settings";

/// How long the records of the topics that are kept by age are kept.
pub const AGE: Duration = Duration::from_hours(1);

/// The topics that the log of a [`Bed`] has.
pub const TOPICS: &[TopicSpec] = &[
    TopicSpec { name: INPUT, cleanup: Cleanup::Delete(AGE), partitions: Partitions::Like(INPUT) },
    TopicSpec { name: COMMAND, cleanup: Cleanup::Delete(AGE), partitions: Partitions::Like(INPUT) },
    TopicSpec { name: OUTPUT, cleanup: Cleanup::Delete(AGE), partitions: Partitions::Like(INPUT) },
    TopicSpec { name: STATE, cleanup: Cleanup::Compact, partitions: Partitions::Like(INPUT) },
    TopicSpec { name: SETTINGS, cleanup: Cleanup::Compact, partitions: Partitions::One },
];

/// An adapter under test. One bed serves one scenario.
pub trait Bed {
    /// A new, empty log with [`TOPICS`]. Called once, first.
    fn open(&mut self) -> Arc<dyn Log>;

    /// The same log as after a crash of the program: what was open before is void, what was durable is there.
    fn reopen(&mut self) -> Arc<dyn Log>;

    /// Whether the adapter can be made to do this.
    fn can(&self, ability: Ability) -> bool;

    /// Lets `by` pass on the log's clock. A log with the real clock waits; scenarios ask it for milliseconds
    /// only, unless it has [`Ability::Clock`].
    fn pass_time(&mut self, by: Duration);

    /// Sets the clock that the log reads back ([`Ability::Clock`]).
    fn set_clock_back(&mut self, by: Duration) {
        unreachable!("set_clock_back({by:?}) without Ability::Clock");
    }

    /// Runs retention and compaction to their end ([`Ability::Clean`]).
    fn clean(&mut self) {
        unreachable!("clean() without Ability::Clean");
    }

    /// From now on every write fails like this ([`Ability::Faults`]).
    fn fail_writes(&mut self, fault: Fault) {
        unreachable!("fail_writes({fault:?}) without Ability::Faults");
    }

    /// From now on what is written waits, unanswered ([`Ability::Stall`]).
    fn stall_writes(&mut self) {
        unreachable!("stall_writes() without Ability::Stall");
    }

    /// Writes work again.
    fn heal(&mut self) {}

    /// The worker that joined last gets everything, as if all others had stopped answering. Nothing to do
    /// where that happens by itself.
    fn take_over(&mut self) {}

    /// Lets the log go on, where it only moves when told. Called again and again while a scenario waits.
    fn turn(&mut self) {}
}

/// What not every adapter can be made to do in a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// The log's clock can be set.
    Clock,
    /// Retention and compaction can be run at once.
    Clean,
    /// Writes can be made to fail.
    Faults,
    /// Writes can be made to wait.
    Stall,
    /// Several workers of a group share the partitions; else the last one takes all.
    Share,
}

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no space left.
    Full,
    /// A part of it is written, then there is no space left.
    Short,
    /// The device reports an error.
    Broken,
}

/// One promise, put to the test.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Module and function; the function's is a sentence.
    pub name: &'static str,
    /// What the bed must be able to do.
    needs: Option<Ability>,
    play: fn(&mut dyn Bed),
}

impl Scenario {
    fn applies(&self, bed: &dyn Bed) -> bool {
        self.needs.is_none_or(|ability| bed.can(ability))
    }
}

/// Calls `$then!` with `$args` and every scenario there is, by module.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_conformance_scenario {
    ($($then:ident)::+ ($($args:tt)*)) => {
        $($then)::+! { ($($args)*)
            publish {
                a_published_record_is_read_at_the_position_that_was_answered
                records_of_a_partition_come_in_the_order_they_were_published
                concurrent_publishers_lose_nothing_and_get_positions_of_their_own
                keys_values_and_headers_come_back_to_the_byte
                a_record_over_the_limit_is_refused_and_one_at_the_limit_is_taken
                a_partition_or_topic_that_is_not_there_is_refused
                a_dropped_future_stops_nothing
                what_was_acknowledged_survives_a_crash
                log_time_never_falls_when_the_clock_goes_back [Clock]
                a_record_that_waits_past_its_deadline_is_not_written [Stall]
            }
            follow {
                a_follower_from_the_beginning_sees_everything_and_goes_on_live
                a_follower_from_the_end_sees_only_what_comes_after_it
                a_follower_from_a_time_begins_at_the_first_record_of_that_time
                a_follower_from_a_position_begins_there
                at_end_is_said_only_when_everything_acknowledged_was_read
                a_follower_of_empty_topics_is_at_the_end_at_once
                many_followers_see_the_same
                a_topic_added_later_is_read_from_its_start
                positions_say_what_comes_next
                a_waiting_poll_wakes_for_a_publish
                a_follower_survives_the_publisher_that_went_away
            }
            work {
                a_worker_gets_every_partition_and_its_input
                received_and_command_of_a_partition_go_to_the_same_worker [Share]
                workers_share_the_partitions [Share]
                no_record_comes_before_start
                without_a_commit_committed_means_the_oldest_record
                committed_means_where_the_group_last_committed_also_after_a_crash
                groups_keep_positions_of_their_own
                an_offset_overrules_what_the_group_committed
                an_offset_beyond_the_end_is_out_of_range
                held_records_come_again_after_release_and_others_flow_on
                holding_what_was_not_read_yet_skips_nothing
                a_worker_of_a_topic_that_is_missing_is_refused_for_good
                the_end_covers_what_was_durable_before_what_was_handed_out
                a_waiting_worker_wakes_for_a_publish
                the_whole_state_comes_before_the_assignment
                a_deleted_key_is_not_in_the_state
            }
            commit {
                a_commit_makes_outputs_state_and_positions_visible_together
                a_commit_of_positions_alone_counts
                an_empty_commit_succeeds
                a_commit_answers_with_the_ends_it_reached
                records_of_a_transaction_stand_in_their_order
                a_record_over_the_limit_fails_the_whole_commit
                what_was_committed_survives_a_crash
                what_was_not_committed_comes_again_after_a_crash
                a_worker_that_was_replaced_can_not_commit
                a_worker_that_was_replaced_is_told_by_poll
                a_large_transaction_is_read_back_whole
            }
            keep {
                old_records_go_and_young_ones_stay [Clean]
                a_follower_at_a_removed_record_is_told [Clean]
                a_worker_at_a_removed_record_is_told [Clean]
                compaction_keeps_the_last_record_of_each_key_at_its_offset [Clean]
                a_key_deleted_before_compaction_stays_deleted [Clean]
                a_deletion_outlives_what_it_deletes_for_a_slow_reader [Clean]
                state_is_complete_after_compaction_and_a_crash [Clean]
                a_follower_from_the_beginning_reads_over_the_gaps [Clean]
                topics_kept_by_age_are_not_compacted [Clean]
                compaction_can_run_again_and_again [Clean]
            }
            fault {
                a_failed_publish_says_so_and_works_again_after [Faults]
                a_failed_commit_leaves_all_or_nothing [Faults]
                followers_and_readers_survive_failed_writes [Faults]
                what_was_acknowledged_before_a_failure_is_there_after_it [Faults]
                a_failure_and_a_crash_lose_nothing_acknowledged [Faults]
            }
        }
    };
}

/// One `#[test]` for each scenario, on a bed that `$bed` makes anew each time; and one that those which do not
/// apply to it are these.
#[macro_export]
macro_rules! conformance_suite {
    ($bed:expr, without: [$($without:expr),* $(,)?]) => {
        #[test]
        fn what_does_not_apply_is_known() {
            $crate::conformance::assert_without(&$bed, &[$($without),*]);
        }
        $crate::for_each_conformance_scenario! { $crate::conformance_tests ($bed) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    (($bed:expr) $($module:ident { $($name:ident $([$need:ident])?)* })*) => {
        $(mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(#[test]
            fn $name() {
                $crate::conformance::run(concat!(stringify!($module), "::", stringify!($name)), &mut $bed);
            })*
        })*
    };
}

macro_rules! list {
    (() $($module:ident { $($name:ident $([$need:ident])?)* })*) => {
        &[$($(Scenario {
            name: concat!(stringify!($module), "::", stringify!($name)),
            needs: [$(Some(Ability::$need),)? None][0],
            play: $module::$name,
        },)*)*]
    };
}

/// Every scenario.
pub fn all() -> &'static [Scenario] {
    crate::for_each_conformance_scenario! { list () }
}

/// Runs the scenario of this name, if it applies to the bed.
///
/// # Panics
/// If the scenario fails, or there is none of this name.
pub fn run(name: &str, bed: &mut dyn Bed) {
    let Some(scenario) = all().iter().find(|scenario| scenario.name == name) else {
        panic!("there is no scenario {name:?}");
    };
    if scenario.applies(bed) {
        (scenario.play)(bed);
    }
}

/// Nothing else is left out.
///
/// # Panics
/// If other scenarios than these do not apply to the bed.
pub fn assert_without(bed: &dyn Bed, expected: &[&str]) {
    let without: Vec<_> = all().iter().filter(|s| !s.applies(bed)).map(|s| s.name).collect();
    assert_eq!(without, expected, "the scenarios that do not apply");
}
