use super::*;

const LIMITS: Limits = Limits { max_attempts: 3, max_age_ms: 10_000 };

/// A failure with the longest wait.
const FAILED: Failed = Failed { is_probe: false, is_rejected: false, chance: 1.0 };

fn failed(destination: &str) -> Event<'_> {
    Event::Failed { destination, failed: FAILED }
}

fn life(destinations: &[&str]) -> Life {
    Life::new(destinations.iter().map(|name| (*name, 0)), 0)
}

/// Applies events, each with its time, to destinations that were never paused.
fn after_events(mut life: Life, events: &[(Event<'_>, u64)]) -> Life {
    for (event, now) in events {
        life = life.after(event, *now, 0, LIMITS).0;
    }
    life
}

#[test]
fn is_dead_when_one_destination_accepts_and_another_fails_too_often() {
    let life = life(&["crm", "mail"]);
    let (life, effects) = life.after(&Event::Accepted { destination: "crm" }, 5, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(0)]);
    let (life, effects) = life.after(&failed("mail"), 5, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(1)]);
    assert_eq!(life.sends[1].progress, Progress::Pending { due: 1005 });
    let (life, _) = life.after(&failed("mail"), 1005, 0, LIMITS);
    let (life, effects) = life.after(&failed("mail"), 3005, 0, LIMITS);
    assert_eq!(life.sends[1].progress, Progress::Dead(Reason::MaxAttempts));
    assert_eq!(effects, [Effect::Save(1), Effect::Died(1), Effect::Became(State::Dead)]);
    let (life, effects) = life.after(&Event::Redelivered { destination: "mail" }, 9000, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(1), Effect::Became(State::Pending)]);
    assert_eq!(life.sends[1], Send::new("mail", 9000, 0));
    let (_, effects) = life.after(&Event::Accepted { destination: "mail" }, 9001, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(1), Effect::Became(State::Delivered)]);
}

#[test]
fn is_dead_when_the_next_attempt_would_exceed_the_age() {
    let most = Limits { max_attempts: 100, max_age_ms: 2000 };
    let at = |now, paused| life(&["a"]).after(&failed("a"), now, paused, most).0.sends[0].progress;
    assert_eq!(at(1000, 0), Progress::Pending { due: 2000 });
    assert_eq!(at(1001, 0), Progress::Dead(Reason::MaxAge));
    assert_eq!(at(1501, 501), Progress::Pending { due: 2501 });
    assert_eq!(at(1501, 500), Progress::Dead(Reason::MaxAge));
}

#[test]
fn only_pauses_since_the_beginning_are_subtracted_from_the_age() {
    let most = Limits { max_attempts: 100, max_age_ms: 2000 };
    let after_a_pause = Life::new([("a", 5000)].into_iter(), 9000);
    let at = |now, paused| after_a_pause.clone().after(&failed("a"), now, paused, most).0;
    assert_eq!(at(10_000, 5000).sends[0].progress, Progress::Pending { due: 11_000 });
    assert_eq!(at(10_001, 5000).sends[0].progress, Progress::Dead(Reason::MaxAge));
    assert_eq!(at(10_001, 5001).sends[0].progress, Progress::Pending { due: 11_001 });
}

#[test]
fn delays_double_up_to_an_hour_with_full_jitter() {
    let delay = |attempts, chance| retry_delay_ms(attempts, &Failed { chance, ..FAILED });
    for (attempts, most) in [(1, 1000), (2, 2000), (12, 2_048_000), (13, MOST_WAIT_MS)] {
        assert_eq!(delay(attempts, 1.0), most, "{attempts}");
        assert_eq!(delay(attempts, 0.5), most / 2, "{attempts}");
        assert_eq!(delay(attempts, 0.0), 0, "{attempts}");
    }
    assert_eq!(delay(u32::MAX, 1.0), MOST_WAIT_MS);
}

#[test]
fn delays_after_a_rejection_double_from_a_minute_up_to_two_hours() {
    let delay = |attempts, chance| {
        retry_delay_ms(attempts, &Failed { chance, is_rejected: true, ..FAILED })
    };
    for (attempts, most) in [(1, 60_000), (2, 120_000), (7, 3_840_000), (8, 7_200_000)] {
        assert_eq!(delay(attempts, 1.0), most, "{attempts}");
        assert_eq!(delay(attempts, 0.0), most / 2, "{attempts}");
    }
    assert_eq!(delay(u32::MAX, 1.0), MOST_REJECTED_WAIT_MS);
}

#[test]
fn a_probe_does_not_count() {
    let probe = Failed { is_probe: true, ..FAILED };
    let event = |failed| Event::Failed { destination: "a", failed };
    assert_eq!(after_events(life(&["a"]), &[(event(probe), 1000)]).sends[0].attempts, 0);
    assert_eq!(after_events(life(&["a"]), &[(event(FAILED), 1000)]).sends[0].attempts, 1);
}

#[test]
fn a_late_success_counts_and_a_late_failure_does_not() {
    let delivered = after_events(life(&["a"]), &[(Event::Accepted { destination: "a" }, 1)]);
    let (same, effects) = delivered.clone().after(&failed("a"), 2, 0, LIMITS);
    assert_eq!((same, effects), (delivered, vec![]));
    let dead = after_events(life(&["a"]), &[(Event::Trapped, 1)]);
    assert_eq!(dead.sends[0].progress, Progress::Dead(Reason::Trapped));
    let late = after_events(dead, &[(Event::Accepted { destination: "a" }, 2)]);
    assert_eq!(late.state(), State::Delivered);
}

#[test]
fn a_destination_that_is_gone_ends_the_send_at_once() {
    let (life, effects) = life(&["a"]).after(&Event::Gone { destination: "a" }, 1, 0, LIMITS);
    assert_eq!(life.sends[0].progress, Progress::Dead(Reason::Gone));
    assert_eq!(effects, [Effect::Save(0), Effect::Died(0), Effect::Became(State::Dead)]);
}

#[test]
fn a_send_that_waits_for_a_removed_or_held_destination_ends_only_because_of_its_age() {
    let waited = Event::Waited { destination: "a", reason: Reason::DestinationRemoved };
    let at = |now, paused| life(&["a"]).after(&waited, now, paused, LIMITS).0.sends[0].progress;
    assert_eq!(at(10_000, 0), Progress::Pending { due: 0 });
    assert_eq!(at(10_001, 0), Progress::Dead(Reason::DestinationRemoved));
    assert_eq!(at(10_001, 1), Progress::Pending { due: 0 });
}

#[test]
fn a_pending_or_dead_send_moves_from_an_old_name_to_the_new_one() {
    let moved = Event::Moved { from: "old", to: "new" };
    let (waiting, effects) = life(&["old"]).after(&moved, 7, 0, LIMITS);
    assert_eq!((waiting.sends, effects), (vec![Send::new("new", 7, 0)], vec![Effect::Save(0)]));
    let dead = after_events(life(&["old"]), &[(Event::Trapped, 1)]);
    let (revived, effects) = dead.after(&moved, 7, 0, LIMITS);
    assert_eq!(revived.sends, [Send::new("new", 7, 0)]);
    assert_eq!(effects, [Effect::Save(0), Effect::Became(State::Pending)]);
    let accepted = after_events(life(&["old"]), &[(Event::Accepted { destination: "old" }, 1)]);
    assert_eq!(accepted.clone().after(&moved, 7, 0, LIMITS), (accepted, vec![]));
}

#[test]
fn a_send_is_dropped_when_moved_to_a_name_with_an_active_send() {
    let moved = Event::Moved { from: "old", to: "new" };
    let both = after_events(life(&["old", "new"]), &[(Event::Accepted { destination: "new" }, 1)]);
    let (one, effects) = both.after(&moved, 7, 0, LIMITS);
    assert_eq!((one.sends.len(), one.state()), (1, State::Delivered));
    assert_eq!(effects, [Effect::Dropped(0), Effect::Became(State::Delivered)]);
}

#[test]
fn a_send_is_redelivered_when_moved_to_a_name_where_it_is_dead() {
    let moved = Event::Moved { from: "old", to: "new" };
    let dead = after_events(life(&["old", "new"]), &[(Event::Gone { destination: "new" }, 1)]);
    let (one, effects) = dead.after(&moved, 7, 0, LIMITS);
    assert_eq!(one.sends, [Send::new("new", 7, 0)]);
    assert_eq!(effects, [Effect::Dropped(0), Effect::Save(0)]);
}

#[test]
fn a_send_to_a_resumed_destination_is_due_since_its_arrival() {
    let waiting = after_events(life(&["a", "b"]), &[(failed("a"), 0), (failed("b"), 0)]);
    let (life, effects) = waiting.after(&Event::Resumed { destination: "a" }, 3, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(0)]);
    assert_eq!(life.sends[0].progress, Progress::Pending { due: 0 });
    assert_eq!(life.sends[0].attempts, 1);
    assert_eq!(life.sends[1].progress, Progress::Pending { due: 1000 });
}

#[test]
fn a_delivery_without_a_destination_is_unrouted_until_redelivered() {
    let life = life(&[]);
    assert_eq!(life.state(), State::Unrouted);
    let (life, effects) = life.after(&Event::Redelivered { destination: "a" }, 7, 0, LIMITS);
    assert_eq!(effects, [Effect::Save(0), Effect::Became(State::Pending)]);
    assert_eq!(life.sends, [Send::new("a", 7, 0)]);
}
