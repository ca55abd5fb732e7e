//! The log on Apache Kafka keeps the port's promises, on a real broker.
//!
//! Where it is, is said by `BREWLINE_TEST_KAFKA`; `bed` says how to start one.

mod away;
mod bed;
mod follow;
mod import;
mod lanes;
mod marks;
mod native;
mod print_shop;
mod proxy;
mod revive;
mod secure;
mod watch;
mod work;
mod zombie;

mod conformance {
    use super::bed::KafkaBed;

    eventlog::conformance_suite!(KafkaBed::new(), without: [
        // The broker's clock, disk and cleaner are its own.
        "publish::log_time_never_falls_when_the_clock_goes_back",
        "publish::a_record_that_waits_past_its_deadline_is_not_written",
        "keep::old_records_go_and_young_ones_stay",
        "keep::a_follower_at_a_removed_record_is_told",
        "keep::a_worker_at_a_removed_record_is_told",
        "keep::compaction_keeps_the_last_record_of_each_key_at_its_offset",
        "keep::a_key_deleted_before_compaction_stays_deleted",
        "keep::a_deletion_outlives_what_it_deletes_for_a_slow_reader",
        "keep::state_is_complete_after_compaction_and_a_crash",
        "keep::a_follower_from_the_beginning_reads_over_the_gaps",
        "keep::topics_kept_by_age_are_not_compacted",
        "keep::compaction_can_run_again_and_again",
        "fault::a_failed_publish_says_so_and_works_again_after",
        "fault::a_failed_commit_leaves_all_or_nothing",
        "fault::followers_and_readers_survive_failed_writes",
        "fault::what_was_acknowledged_before_a_failure_is_there_after_it",
        "fault::a_failure_and_a_crash_lose_nothing_acknowledged",
    ]);
}
