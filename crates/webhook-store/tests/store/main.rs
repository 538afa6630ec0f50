//! The contract tests of all stores, through the interface only.
//!
//! A guarantee is a function of a [`World`](world::World) in `contract/`; one that the list below
//! omits is dead code, which the lints reject. A store is a module of `stores/` with a function
//! `world` that opens an empty one, and a line at the end of this file. Guarantees of the SQLite
//! store's file are in `file.rs` and `migration.rs`.

mod contract;
mod file;
mod migration;
mod speed;
mod stores;
mod world;

macro_rules! guarantees {
    ($store:ident) => {
        guarantees! { @ $store
            leases:
                a_name_is_taken_while_its_lease_lasts
                a_name_is_taken_while_its_process_is_alive
                a_name_is_free_once_its_process_is_known_to_be_gone
                a_name_is_free_once_its_lease_has_expired
                acquiring_a_lease_again_extends_it
                deliveries_of_a_gone_process_are_due_at_once
                a_renewed_lease_is_not_recovered
                an_expired_lease_is_renewed_unless_another_process_ended_it
                no_process_ends_its_own_lease
                an_outcome_is_recorded_after_the_lease_unless_another_process_ended_it
                a_returned_claim_wakes_waiters
                a_lost_lease_is_not_renewed
                recovery_counts_the_returned_claims
                recovery_does_not_affect_live_leases
                releasing_a_lease_makes_its_deliveries_due
                releasing_a_lease_twice_is_not_an_error
                nothing_is_claimed_without_a_lease
                no_delivery_starts_claimed_without_a_lease
                a_lost_lease_fences_the_outcome
                an_earlier_run_is_fenced_from_a_later_one;
            tenants:
                a_tenant_is_new_once
                tenants_are_listed_in_order_with_their_versions
                a_deleted_tenant_leaves_nothing
                a_recreated_tenant_has_a_new_version
                a_tenant_never_sees_data_of_another
                an_endpoint_is_stored_unchanged
                endpoints_are_listed_in_order
                the_version_goes_up_with_every_change
                a_concurrent_change_of_an_endpoint_is_a_conflict
                an_endpoint_of_an_unknown_tenant_is_rejected
                a_deleted_endpoint_is_gone
                deleting_an_endpoint_buries_its_pending_deliveries
                a_delivery_in_flight_to_a_deleted_endpoint_may_succeed
                a_delivery_in_flight_to_a_deleted_endpoint_is_not_retried
                a_claim_returned_to_a_deleted_endpoint_is_buried
                a_recreated_endpoint_receives_new_deliveries;
            plan:
                an_event_is_stored_unchanged
                planning_twice_changes_nothing
                an_id_with_another_type_or_other_data_is_rejected_and_changes_nothing
                later_events_of_an_id_in_a_batch_are_compared_with_the_first
                of_events_planned_concurrently_with_one_id_one_is_kept
                an_event_twice_in_a_batch_is_planned_once
                concurrent_planning_creates_one_delivery
                two_tenants_may_use_the_same_event_id
                a_stale_version_keeps_nothing
                an_unknown_tenant_is_rejected
                a_delivery_that_starts_claimed_is_in_flight
                a_delivery_that_starts_due_is_due_at_its_time
                a_delivery_that_starts_dead_is_dead
                an_event_without_deliveries_is_known
                an_empty_batch_is_planned
                returned_results_survive_a_restart
                bodies_are_kept_byte_for_byte;
            accept:
                an_accepted_event_is_stored_without_deliveries
                accepting_twice_changes_nothing
                an_accepted_id_with_other_content_is_rejected
                events_of_an_unknown_tenant_are_not_accepted
                accepted_events_are_planned_in_the_order_of_acceptance
                new_events_are_not_planned_before_accepted_ones
                an_event_is_planned_once
                an_event_that_does_not_come_first_is_not_planned
                a_try_counts_until_it_is_taken_back
                an_event_that_was_tried_comes_alone
                one_owner_plans_for_a_tenant_at_a_time
                events_that_a_gone_owner_was_planning_are_planned_by_others
                accepted_events_are_counted_and_outlive_a_restart
                the_id_of_a_discarded_event_can_be_used_again
                a_deleted_tenant_leaves_no_accepted_events
                accepted_events_are_never_pruned;
            claim:
                nothing_is_due_before_its_time
                due_returns_each_endpoint_once_with_its_due_time
                due_returns_the_next_due_time
                thousands_of_endpoints_are_due_at_once
                a_claimed_delivery_is_no_longer_due
                no_more_is_claimed_than_the_limit
                the_longest_due_is_claimed_first
                nothing_is_claimed_before_its_time
                only_requested_endpoints_are_claimed
                nothing_is_claimed_twice
                a_disabled_endpoint_has_no_due_deliveries
                deliveries_of_an_enabled_endpoint_are_due_again
                a_claim_has_all_data_for_an_attempt
                concurrent_claims_never_overlap;
            complete:
                a_success_ends_the_delivery
                a_retry_is_due_at_its_time
                a_burial_keeps_the_reason
                attempts_are_kept_in_order
                a_release_does_not_count_as_an_attempt
                an_outcome_counts_once
                an_outcome_recorded_again_changes_nothing
                a_failure_recorded_again_does_not_affect_the_next_claim
                an_earlier_claim_cannot_complete_the_next_one_of_the_same_moment
                an_outcome_of_a_delivery_not_in_flight_is_rejected
                an_outcome_of_another_owner_is_rejected
                each_outcome_is_recorded_or_rejected_individually;
            order:
                the_first_is_claimed_and_the_second_waits
                the_next_is_due_after_a_success
                the_next_is_due_after_a_burial
                the_next_waits_while_the_first_is_retried
                the_next_waits_while_the_first_is_released
                waiting_deliveries_become_due_in_the_order_of_planning
                thousands_of_deliveries_of_a_group_wait
                ordering_keys_do_not_wait_for_each_other
                deliveries_without_an_ordering_key_are_a_group
                an_unordered_delivery_does_not_wait
                a_delivery_that_starts_dead_delays_no_other
                a_waiting_delivery_is_not_due_before_its_time
                a_replayed_delivery_waits_for_its_group
                a_replay_of_many_keeps_their_order
                deleting_the_endpoint_buries_waiting_deliveries
                order_survives_a_lost_lease
                order_survives_a_restart;
            replay:
                a_dead_delivery_is_due_again
                a_success_can_be_replayed
                a_replay_does_not_affect_pending_and_in_flight_deliveries
                a_replay_restarts_the_schedule_and_keeps_attempts
                a_replay_affects_the_deliveries_that_match_its_filter
                a_replay_without_a_match_returns_zero
                a_delivery_without_an_endpoint_is_not_replayed
                a_delivery_of_a_recreated_endpoint_can_be_replayed
                many_deliveries_are_replayed;
            list:
                the_newest_come_first
                every_filter_selects_its_deliveries
                all_parts_of_a_filter_must_match
                pages_follow_each_other
                new_deliveries_do_not_change_later_pages
                an_invalid_cursor_is_rejected
                a_list_without_matches_is_empty
                a_delivery_is_found_by_its_id
                a_returned_call_is_visible_in_lists;
            events:
                an_event_is_listed_with_all_fields_but_its_data
                an_event_is_found_with_its_state_and_its_source
                the_source_of_a_known_event_stays
                every_filter_selects_its_events
                pruned_events_leave_the_list
                an_event_that_becomes_rejected_is_listed_once
                a_list_has_no_events_of_another_tenant
                a_stored_event_is_in_lists_when_the_call_returns;
            event_pages:
                pages_of_events_follow_each_other
                events_that_arrive_do_not_change_later_pages
                an_event_keeps_its_position_when_it_is_planned
                an_event_of_a_rare_type_is_found_in_bounded_pages
                a_page_of_large_rejected_events_is_bounded
                an_invalid_cursor_of_events_is_rejected;
            inspection:
                requests_and_responses_are_kept_byte_for_byte
                a_body_is_returned_byte_for_byte
                deliveries_are_selected_by_type_and_last_status
                a_delivery_of_a_rare_type_is_found_in_bounded_pages
                a_dry_run_counts_what_a_replay_would_make_due
                outcomes_are_counted_by_minute_and_by_hour
                statistics_have_the_pending_deliveries;
            erase:
                an_erased_event_keeps_its_record_without_its_payload
                requests_and_responses_of_an_erased_event_are_deleted
                an_erased_delivery_in_flight_is_not_retried
                an_erased_delivery_in_flight_is_dead_after_a_restart
                an_erased_delivery_is_not_replayed
                an_erased_id_stays_known
                an_erased_accepted_event_is_not_planned
                the_next_of_a_group_is_due_after_an_erasure
                an_erased_rejected_event_keeps_what_identifies_it;
            rejected:
                a_rejected_event_is_stored_unchanged
                rejecting_twice_changes_nothing
                rejected_events_are_listed_by_tenant
                rejected_events_are_listed_in_pages
                a_rejected_event_is_found_by_its_id
                a_page_of_large_rejected_events_has_a_bounded_size
                a_rejected_event_is_taken_once;
            maintenance:
                old_succeeded_deliveries_are_pruned
                old_dead_deliveries_are_pruned
                pending_deliveries_are_never_pruned
                the_id_of_a_pruned_event_stays_known_for_a_day
                an_event_is_pruned_after_a_day
                an_event_stays_with_its_last_delivery
                an_event_without_deliveries_is_pruned_after_a_day
                old_rejected_events_are_pruned
                pruning_ends
                a_clock_that_was_ahead_delays_nothing_once_it_is_set_back
                a_claim_made_ahead_of_time_is_due_when_returned
                many_due_times_are_corrected
                depth_counts_waiting_deliveries
                depth_has_the_oldest_due_time
                ping_succeeds_for_a_working_store;
            model:
                a_store_behaves_like_its_model;
        }
    };
    (@ $store:ident $($group:ident: $($guarantee:ident)+;)+) => {
        mod $store {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $guarantee() {
                    let world = crate::stores::$store::world().await;
                    crate::contract::$group::$guarantee(world).await;
                })+
            })+
        }
    };
}

guarantees!(sqlite);
guarantees!(postgres);
guarantees!(redis);
