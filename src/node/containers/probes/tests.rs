//! Probes of one container, answered by hand.

use super::*;

fn at(s: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(s)
}

fn probe(initial_delay_s: i32, period_s: i32) -> Option<Probe> {
    Some(Probe {
        initial_delay_seconds: Some(initial_delay_s),
        period_seconds: Some(period_s),
        ..Default::default()
    })
}

fn success(holds_until: Option<Timestamp>) -> ProbeReply {
    ProbeReply { outcome: ProbeOutcome::Success, holds_until }
}

fn failure(holds_until: Option<Timestamp>) -> ProbeReply {
    ProbeReply { outcome: ProbeOutcome::Failure("no".into()), holds_until }
}

/// Takes what is due and answers it; true if the container must be restarted.
fn answer(probes: &mut Probes, now: Timestamp, reply: &ProbeReply) -> bool {
    let due: Vec<ProbeKind> = probes.take_due(now).collect();
    due.into_iter().fold(false, |is_failed, kind| is_failed | probes.answered(kind, Some(reply), at(0), now))
}

#[test]
fn readiness_changes_only_at_its_thresholds() {
    let mut container = Container { readiness_probe: probe(1, 5), ..Default::default() };
    container.readiness_probe.as_mut().unwrap().success_threshold = Some(2);
    let mut probes = Probes::of(&container);
    probes.begin(at(0));
    let mut seen = Vec::new();
    for reply in [success(None), success(None), failure(None), failure(None), failure(None), success(None)] {
        let now = probes.next_due().unwrap();
        assert!(!answer(&mut probes, now, &reply), "readiness restarts nothing");
        seen.push((now.as_second(), probes.is_ready()));
    }
    assert_eq!(seen, [(1, false), (6, true), (11, true), (16, true), (21, false), (26, false)]);
}

#[test]
fn a_liveness_probe_that_cannot_be_carried_out_restarts_nothing() {
    let mut liveness = probe(0, 10);
    liveness.as_mut().unwrap().failure_threshold = Some(1);
    let mut probes = Probes::of(&Container { liveness_probe: liveness, ..Default::default() });
    probes.begin(at(0));
    let errored = ProbeReply { outcome: ProbeOutcome::Errored("no port".into()), holds_until: None };
    for due_s in [0, 10, 20] {
        assert_eq!(probes.next_due(), Some(at(due_s)));
        assert!(!answer(&mut probes, at(due_s), &errored), "at {due_s} s");
    }
}

#[test]
fn the_others_wait_for_the_startup_probe_and_readiness_then_asks_at_once() {
    let container = Container {
        startup_probe: probe(4, 10),
        readiness_probe: probe(1, 5),
        liveness_probe: probe(0, 30),
        ..Default::default()
    };
    let mut probes = Probes::of(&container);
    probes.begin(at(0));
    assert_eq!((probes.next_due(), probes.is_started()), (Some(at(4)), false));
    assert_eq!(probes.take_due(at(4)).collect::<Vec<_>>(), [ProbeKind::Startup]);
    assert_eq!(probes.next_due(), None, "never twice at the same time");
    assert!(!probes.answered(ProbeKind::Startup, None, at(0), at(4)), "no answer says nothing");
    assert_eq!(probes.next_due(), Some(at(14)));
    answer(&mut probes, at(14), &success(None));
    assert_eq!((probes.next_due(), probes.is_started(), probes.is_ready()), (Some(at(14)), true, false));
    assert_eq!(probes.take_due(at(14)).collect::<Vec<_>>(), [ProbeKind::Readiness]);
    probes.answered(ProbeKind::Readiness, Some(&failure(None)), at(0), at(14));
    assert_eq!(probes.next_due(), Some(at(16)), "from then on at its ticks");
}

#[test]
fn a_container_of_which_is_heard_late_does_not_lose_its_first_tick() {
    let late = at(0) + Duration::from_millis(20);
    let container =
        Container { startup_probe: probe(0, 10), readiness_probe: probe(0, 10), ..Default::default() };
    let mut probes = Probes::of(&container);
    probes.begin(at(0));
    answer(&mut probes, late, &success(None));
    answer(&mut probes, late, &success(None));
    assert_eq!((probes.is_started(), probes.is_ready()), (true, true));
}

#[test]
fn a_liveness_probe_that_fails_as_often_as_it_may_restarts_the_container() {
    let container = Container { liveness_probe: probe(0, 1), ..Default::default() };
    let mut probes = Probes::of(&container);
    probes.begin(at(0));
    let verdicts = [0, 1, 2].map(|s| answer(&mut probes, at(s), &failure(None)));
    assert_eq!(verdicts, [false, false, true]);
}

#[test]
fn ticks_that_would_change_nothing_are_left_out() {
    let container = Container { readiness_probe: probe(1, 5), ..Default::default() };
    let mut probes = Probes::of(&container);
    probes.begin(at(0));
    answer(&mut probes, at(1), &failure(Some(at(7))));
    assert_eq!(probes.next_due(), Some(at(11)));
    answer(&mut probes, at(11), &success(Some(Timestamp::MAX)));
    assert_eq!((probes.next_due(), probes.is_ready()), (None, true));
    probes.resume(at(0), at(12), true, true);
    assert_eq!((probes.next_due(), probes.is_ready()), (Some(at(16)), true));
    answer(&mut probes, at(16), &failure(Some(Timestamp::MAX)));
    assert_eq!(probes.next_due(), Some(at(21)), "it is not unready before the threshold");
}
