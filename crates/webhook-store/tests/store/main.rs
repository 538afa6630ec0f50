//! What every store promises, tested on each of them through the trait alone.
//!
//! A promise is a function of a [`World`](world::World) in `contract/`; one that the list below
//! leaves out is dead code, which the lints refuse. A store is a module of `stores/` with a
//! function `world` that opens an empty one, and a line at the end of this file. What is promised
//! of the SQLite store's file alone is in `file.rs`.

mod contract;
mod file;
mod speed;
mod stores;
mod world;

macro_rules! promises {
    ($store:ident) => {
        promises! { @ $store
            leases:
                a_name_is_taken_while_its_lease_lasts
                a_name_is_taken_while_its_process_is_alive
                a_name_is_free_once_its_process_is_known_to_be_gone
                a_name_is_free_once_its_lease_has_run_out
                entering_again_extends_the_lease
                what_a_gone_process_had_in_flight_is_due_at_once
                a_renewed_lease_is_not_recovered
                a_lease_that_ran_out_is_renewed_if_nothing_was_given_away
                no_process_ends_its_own_lease
                an_outcome_is_recorded_after_the_lease_if_nobody_took_over
                what_is_taken_back_is_told_of
                a_lost_lease_is_not_renewed
                recovery_counts_what_it_gives_back
                recovery_leaves_those_alone_whose_lease_lasts
                leaving_makes_what_is_in_flight_due
                leaving_twice_is_no_error
                nothing_is_claimed_without_a_lease
                nothing_is_planned_as_claimed_without_a_lease
                a_lost_lease_fences_the_outcome
                the_run_before_is_fenced_from_the_run_after;
            tenants:
                a_tenant_is_new_once
                tenants_are_listed_in_order_with_their_versions
                a_deleted_tenant_leaves_nothing
                a_tenant_made_anew_has_a_version_of_its_own
                one_tenant_never_sees_anothers
                an_endpoint_is_kept_as_it_is
                endpoints_are_listed_in_order
                the_version_goes_up_with_every_change
                an_endpoint_changed_meanwhile_is_a_conflict
                an_endpoint_of_no_tenant_is_refused
                a_deleted_endpoint_is_gone
                deleting_an_endpoint_buries_what_is_pending
                what_is_in_flight_to_a_deleted_endpoint_may_still_succeed
                what_is_in_flight_to_a_deleted_endpoint_is_not_retried
                what_is_given_back_to_a_deleted_endpoint_is_buried
                an_endpoint_made_anew_takes_new_deliveries;
            plan:
                an_event_is_kept_as_it_is
                planning_twice_changes_nothing
                an_id_with_another_type_or_other_data_is_refused_and_changes_nothing
                the_first_event_of_an_id_in_a_batch_decides_about_the_others
                of_events_planned_at_the_same_time_under_one_id_one_is_kept
                an_event_twice_in_a_batch_is_planned_once
                planning_at_the_same_time_makes_one
                two_tenants_may_use_the_same_event_id
                a_stale_version_keeps_nothing
                an_unknown_tenant_is_refused
                what_starts_claimed_is_in_flight
                what_starts_due_is_due_then
                what_starts_dead_is_dead
                an_event_that_nobody_wants_is_known
                an_empty_batch_is_planned
                what_was_answered_is_there_after_a_restart
                bodies_are_kept_byte_for_byte;
            accept:
                an_accepted_event_is_there_and_has_no_deliveries
                accepting_twice_changes_nothing
                an_accepted_id_with_other_content_is_refused
                events_of_an_unknown_tenant_are_not_accepted
                accepted_events_come_in_the_order_of_their_acceptance
                new_events_are_not_planned_before_accepted_ones
                an_event_is_planned_once
                an_event_that_does_not_come_first_is_not_planned
                a_try_counts_until_it_is_taken_back
                an_event_that_was_tried_comes_alone
                one_owner_plans_for_a_tenant_at_a_time
                what_a_gone_owner_was_planning_is_left_to_others
                accepted_events_are_counted_and_outlive_a_restart
                a_discarded_event_leaves_its_id
                a_deleted_tenant_leaves_no_accepted_events
                accepted_events_are_not_forgotten;
            claim:
                nothing_is_due_before_its_time
                due_names_each_endpoint_once_since_when
                due_tells_when_the_next_is_due
                thousands_of_endpoints_are_due_at_once
                what_is_claimed_is_no_longer_due
                no_more_is_claimed_than_there_is_room_for
                the_longest_due_is_claimed_first
                nothing_is_claimed_before_its_time
                only_what_is_asked_for_is_claimed
                nothing_is_claimed_twice
                a_disabled_endpoint_has_nothing_due
                an_enabled_endpoint_has_its_deliveries_again
                a_claim_tells_all_that_is_needed
                two_claimers_at_the_same_time_share;
            complete:
                a_success_ends_the_delivery
                a_retry_is_due_at_its_moment
                a_burial_keeps_the_reason
                attempts_are_kept_in_order
                a_release_counts_as_no_attempt
                an_outcome_counts_once
                an_outcome_recorded_again_changes_nothing
                a_failure_recorded_again_leaves_the_next_claim_alone
                the_claim_before_cannot_settle_the_next_of_the_same_moment
                an_outcome_of_what_is_not_in_flight_is_refused
                anothers_outcome_is_refused
                each_outcome_is_judged_by_itself;
            order:
                the_first_is_claimed_and_the_second_waits
                the_next_has_its_turn_after_a_success
                the_next_has_its_turn_after_a_burial
                the_next_waits_while_the_first_is_retried
                the_next_waits_while_the_first_is_released
                what_waits_is_given_its_turn_in_the_order_of_planning
                thousands_wait_for_their_turn_at_once
                keys_do_not_wait_for_each_other
                no_key_is_a_key_of_its_own
                what_is_not_ordered_waits_for_nothing
                a_dead_start_holds_up_nobody
                a_turn_does_not_come_before_its_time
                a_replayed_delivery_waits_for_its_turn
                a_replay_of_many_keeps_their_order
                deleting_the_endpoint_buries_those_that_wait
                order_outlives_a_lost_lease
                order_outlives_a_restart;
            replay:
                a_dead_delivery_is_due_again
                a_success_can_be_replayed
                what_is_pending_or_in_flight_is_left_alone
                a_replay_counts_attempts_anew_and_keeps_them
                a_replay_takes_what_its_filter_selects
                a_replay_of_nothing_is_none
                what_has_no_endpoint_is_not_replayed
                what_died_with_its_endpoint_is_replayed_once_it_is_there_again
                many_are_replayed;
            list:
                the_newest_come_first
                every_filter_selects
                filters_are_joined
                pages_follow_each_other
                pages_are_not_disturbed_by_what_arrives
                a_cursor_of_no_list_is_refused
                a_list_of_nothing_is_empty
                a_delivery_is_found_by_its_id
                what_is_answered_is_listed;
            rejected:
                a_rejected_event_is_kept_as_it_came
                rejecting_twice_changes_nothing
                rejected_events_are_listed_by_tenant
                rejected_events_are_listed_in_pages
                a_rejected_event_is_found_by_its_id
                a_page_of_large_rejected_events_has_a_bounded_size
                a_rejected_event_is_taken_once;
            upkeep:
                what_succeeded_long_ago_is_forgotten
                what_died_long_ago_is_forgotten
                what_is_pending_is_never_forgotten
                a_forgotten_event_stays_known_for_a_day
                an_event_is_forgotten_after_a_day
                an_event_stays_with_its_last_delivery
                an_event_that_nobody_wanted_is_forgotten_after_a_day
                rejected_events_are_forgotten
                forgetting_comes_to_an_end
                a_clock_that_was_ahead_delays_nothing_once_it_is_set_back
                what_was_claimed_ahead_of_time_is_given_back_as_due
                many_due_times_are_set_back
                depth_counts_what_waits
                depth_knows_the_longest_due
                a_store_that_works_answers_a_ping;
            model:
                a_store_does_what_its_model_does;
        }
    };
    (@ $store:ident $($group:ident: $($promise:ident)+;)+) => {
        mod $store {
            $(mod $group {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let world = crate::stores::$store::world().await;
                    crate::contract::$group::$promise(world).await;
                })+
            })+
        }
    };
}

promises!(sqlite);
promises!(redis);
