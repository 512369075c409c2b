//! Histories of what happens to a notifier, in virtual time, and what it does about each.

use hickory_proto::rr::Name;

use super::*;

const NOERROR: ResponseCode = ResponseCode::NoError;

fn zone(text: &str) -> WireName {
    WireName::of(&Name::from_ascii(text).unwrap())
}

/// A notifier and what it has done, told in short.
struct History {
    notifier: Notifier,
    now: Timestamp,
    /// By zone and target.
    last_ids: BTreeMap<(WireName, usize), u16>,
}

impl History {
    fn new(n_targets: usize) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        Self { notifier: Notifier::new(n_targets, 1), now, last_ids: BTreeMap::new() }
    }

    /// What is done about an event at `at_ms`, and until then.
    fn at(&mut self, at_ms: u64, event: Event) -> String {
        let at = Timestamp::UNIX_EPOCH + Duration::from_millis(at_ms);
        let mut done = self.until(at);
        self.now = at;
        let actions = self.notifier.step(event, at);
        done.extend(self.told(actions));
        done.join(" ")
    }

    fn until(&mut self, at: Timestamp) -> Vec<String> {
        let mut done = Vec::new();
        while let Some(wake_at) = self.notifier.wake_at().filter(|wake_at| *wake_at < at) {
            assert!(wake_at >= self.now, "it wakes in the past");
            self.now = wake_at;
            let actions = self.notifier.step(Event::Tick, wake_at);
            assert!(!actions.is_empty(), "it wakes for nothing");
            done.extend(self.told(actions));
        }
        done
    }

    fn told(&mut self, actions: Vec<Action>) -> Vec<String> {
        let ms = crate::clock::until(Timestamp::UNIX_EPOCH, self.now).as_millis();
        let mut told = |action| match action {
            Action::Send { target, zone, id } => {
                let again = self.last_ids.insert((zone.clone(), target), id) == Some(id);
                format!("{}{zone}>{target}@{ms}", if again { "again:" } else { "" })
            }
            Action::Taken { target, .. } => format!("taken<{target}"),
            Action::Refused { target, rcode, .. } => format!("refused<{target}:{}", u16::from(rcode)),
            Action::GivenUp { target, .. } => format!("given-up<{target}@{ms}"),
            Action::AnswersAgain { target, .. } => format!("answers-again<{target}"),
        };
        actions.into_iter().map(&mut told).collect()
    }

    fn serials(serials: &[(&str, u32)]) -> Event {
        Event::Serials(serials.iter().map(|(name, serial)| (zone(name), *serial)).collect())
    }

    /// An answer to the last message.
    fn answer(&self, name: &str, target: usize, rcode: ResponseCode) -> Event {
        let zone = zone(name);
        let id = self.last_ids[&(zone.clone(), target)];
        Event::Answered { target, zone, id, rcode }
    }
}

#[test]
fn every_secondary_is_told_of_every_zone_at_start_and_of_changes_at_once() {
    let mut history = History::new(2);
    assert_eq!(history.at(0, History::serials(&[("a.", 1), ("b.", 1)])), "a.>0@0 a.>1@0 b.>0@0 b.>1@0");
    for (name, target) in [("a.", 0), ("a.", 1), ("b.", 0), ("b.", 1)] {
        assert_eq!(history.at(1, history.answer(name, target, NOERROR)), format!("taken<{target}"));
    }
    assert_eq!(history.at(9000, History::serials(&[("a.", 1), ("b.", 2)])), "b.>0@9000 b.>1@9000");
    assert_eq!(history.at(9001, History::serials(&[("a.", 1), ("c.", 1)])), "c.>0@9001 c.>1@9001");
}

#[test]
fn a_thousand_changes_in_a_second_are_five_messages_and_the_last_one_is_told() {
    let mut history = History::new(1);
    let mut done = Vec::new();
    for ms in 0..1000 {
        done.push(history.at(ms, History::serials(&[("a.", ms as u32)])));
        if done.last().unwrap().ends_with(&format!("@{ms}")) {
            done.push(history.at(ms, history.answer("a.", 0, NOERROR)));
        }
        // What was sent between two changes is answered too.
        if history.notifier.courses.values().any(|course| matches!(course.state, State::Waiting { .. })) {
            done.push(history.at(ms, history.answer("a.", 0, NOERROR)));
        }
    }
    done.push(history.at(2000, Event::Tick));
    let done: Vec<String> = done.join(" ").split_whitespace().map(str::to_owned).collect();
    let sent: Vec<&String> = done.iter().filter(|one| one.contains('>')).collect();
    assert_eq!(&sent[..5], ["a.>0@0", "a.>0@250", "a.>0@500", "a.>0@750", "a.>0@1000"]);
    assert!(sent[5..].iter().all(|one| one.starts_with("again:")), "{sent:?}");
}

#[test]
fn what_is_not_answered_is_sent_again_ever_more_slowly_and_then_given_up() {
    let mut history = History::new(1);
    assert_eq!(history.at(0, History::serials(&[("a.", 1)])), "a.>0@0");
    let expected =
        "again:a.>0@500 again:a.>0@1500 again:a.>0@3500 again:a.>0@7500 again:a.>0@15500 given-up<0@31500";
    assert_eq!(history.at(100_000, Event::Tick), expected);
    assert_eq!(history.notifier.wake_at(), None);
}

#[test]
fn what_is_repeated_tells_the_newest_version() {
    let mut history = History::new(1);
    assert_eq!(history.at(0, History::serials(&[("a.", 1)])), "a.>0@0");
    assert_eq!(history.at(100, History::serials(&[("a.", 2)])), "");
    let late = history.answer("a.", 0, NOERROR);
    // Another version is another message, and an answer to the old one is none to it.
    assert_eq!(history.at(501, late), "a.>0@500");
    assert_eq!(history.at(502, history.answer("a.", 0, NOERROR)), "taken<0");
    assert_eq!(history.at(100_000, Event::Tick), "");
}

#[test]
fn an_answer_to_an_older_version_does_not_count_for_the_newest() {
    let mut history = History::new(1);
    history.at(0, History::serials(&[("a.", 1)]));
    history.at(10, History::serials(&[("a.", 2)]));
    assert_eq!(history.at(20, history.answer("a.", 0, NOERROR)), "taken<0");
    assert_eq!(history.at(300, Event::Tick), "a.>0@250");
}

#[test]
fn a_silent_secondary_costs_little_until_it_answers() {
    let mut history = History::new(1);
    history.at(0, History::serials(&[("a.", 1)]));
    history.at(40_000, Event::Tick);
    let mut done = Vec::new();
    for second in 40..100 {
        done.push(history.at(second * 1000, History::serials(&[("a.", second as u32)])));
    }
    let done = done.join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        done,
        ["a.>0@40000", "a.>0@57000", "a.>0@74000", "a.>0@91000"],
        "given up once, and told once"
    );
    let newest = "answers-again<0 taken<0 a.>0@100000";
    assert_eq!(history.at(100_000, history.answer("a.", 0, NOERROR)), newest, "as promptly as others");
}

#[test]
fn a_secondary_that_refuses_is_not_asked_again_and_that_is_told_once() {
    let mut history = History::new(1);
    history.at(0, History::serials(&[("a.", 1)]));
    assert_eq!(history.at(1, history.answer("a.", 0, ResponseCode::NotAuth)), "refused<0:9");
    assert_eq!(history.at(60_000, History::serials(&[("a.", 2)])), "a.>0@60000");
    assert_eq!(history.at(60_001, history.answer("a.", 0, ResponseCode::NotAuth)), "");
    assert_eq!(history.at(120_000, History::serials(&[("a.", 3)])), "a.>0@120000");
    assert_eq!(history.at(120_001, history.answer("a.", 0, ResponseCode::NotImp)), "taken<0");
}

#[test]
fn answers_of_others_and_to_nothing_are_not_taken() {
    let mut history = History::new(2);
    history.at(0, History::serials(&[("a.", 1)]));
    let Event::Answered { id, .. } = history.answer("a.", 0, NOERROR) else { unreachable!() };
    for (target, name, id) in [(1, "a.", id), (0, "b.", id), (7, "a.", id), (0, "a.", id ^ 1)] {
        let event = Event::Answered { target, zone: zone(name), id, rcode: NOERROR };
        assert_eq!(history.at(1, event), "", "{target} {name}");
    }
    assert_eq!(history.at(2, history.answer("a.", 0, NOERROR)), "taken<0");
    assert_eq!(history.at(3, history.answer("a.", 0, NOERROR)), "", "twice");
}

#[test]
fn many_zones_leave_in_bursts() {
    let mut history = History::new(1);
    let names: Vec<String> = (0..150).map(|n| format!("z{n}.")).collect();
    let serials: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let n = |done: String| done.split_whitespace().count();
    assert_eq!(n(history.at(0, History::serials(&serials))), BURST_MAX);
    assert_eq!(n(history.at(19, Event::Tick)), 0);
    assert_eq!(n(history.at(21, Event::Tick)), BURST_MAX);
    assert_eq!(n(history.at(41, Event::Tick)), 150 - 2 * BURST_MAX);
}

#[test]
fn a_zone_that_is_gone_is_not_told_of() {
    let mut history = History::new(1);
    history.at(0, History::serials(&[("a.", 1), ("b.", 1)]));
    assert_eq!(history.at(1, History::serials(&[("b.", 1)])), "");
    assert_eq!(history.at(501, Event::Tick), "again:b.>0@500");
}
