//! Steps of one pod, by hand.

use std::net::Ipv4Addr;

use super::*;
use crate::node::runtime::{ContainerReport, ContainerState, Health};
use crate::objects::{ObjectKey, Typed};
use crate::store::{Store, StoreOptions};
use serde_json::json;

fn at(s: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(s)
}

async fn object(deleted_s: Option<i64>) -> Object {
    let clock = crate::clock::Clock::starting_at(at(0));
    let store = Store::in_memory(clock, StoreOptions::default());
    let deleted = deleted_s.map(|_| "1970-01-01T00:00:05Z");
    let pod = json!({
        "metadata": {"name": "web-0", "namespace": "default", "uid": "u",
            "deletionTimestamp": deleted, "deletionGracePeriodSeconds": deleted_s},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]},
    });
    let typed = Typed::from_value(crate::objects::Kind::Pod, pod).unwrap();
    let key = ObjectKey::of(&typed);
    store.mirror(typed).await.unwrap();
    store.get(&key).unwrap()
}

fn running() -> PodReport {
    let state = ContainerState::Running { since: at(1), health: Health::Healthy };
    let report = ContainerReport { attempt: 0, id: "test://1".into(), image_id: String::new(), state };
    PodReport { containers: [("nginx".to_owned(), report)].into(), ..Default::default() }
}

/// A pod whose container runs since 1 s.
async fn active() -> (PodState, Object) {
    let object = object(None).await;
    let host = Ipv4Addr::LOCALHOST.into();
    let (mut state, survivors) = PodState::admit(object.get().unwrap(), Vec::new(), host, at(0));
    assert_eq!(survivors, []);
    state.enter(vec![Ipv4Addr::new(10, 0, 0, 2).into()]);
    let start = Order::Start { container: "nginx".into(), role: Role::Main, attempt: 0 };
    assert_eq!(state.step(&object, Some(PodReport::default()), at(0)).orders, [start]);
    let step = state.step(&object, Some(running()), at(1));
    assert_eq!(step.status.unwrap().phase.as_deref(), Some("Running"));
    state.is_written(object.revision());
    (state, object)
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_does_not_answer_ends_and_restarts_nothing() {
    let (mut state, object) = active().await;
    state.step(&object, Some(running()), at(2));
    let step = state.step(&object, None, at(3));
    assert_eq!((step.status, step.orders, step.finish), (None, vec![], None));
    assert_eq!(step.due, Some(at(4)), "it is asked again");
    let step = state.step(&object, Some(running()), at(60));
    assert_eq!((step.status, step.orders), (None, vec![]), "it is as it was");
    let step = state.step(&object, Some(PodReport::default()), at(61));
    let start = Order::Start { container: "nginx".into(), role: Role::Main, attempt: 1 };
    assert_eq!(step.orders, [start], "what is absent from a report is gone");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_not_confirmed_while_the_runtime_does_not_answer() {
    let (mut state, _) = active().await;
    let object = object(Some(2)).await;
    state.note_deletion(&object, at(5));
    let step = state.step(&object, Some(running()), at(5));
    let stop = Order::Stop { container: "nginx".into(), grace: Duration::from_secs(2) };
    assert_eq!((step.orders, step.finish), (vec![stop], None));
    assert_eq!(state.step(&object, None, at(60)).finish, None);
    assert_eq!(state.step(&object, Some(running()), at(61)).finish, Some(Finish::Delete));
    state.finished(Finish::Delete);
    assert_eq!(state.step(&object, None, at(62)).finish, None, "it is confirmed once");
}

#[tokio::test(start_paused = true)]
async fn an_end_is_repeated_until_it_was_carried_out() {
    let (mut state, object) = active().await;
    let mut ended = running();
    ended.containers.clear();
    ended.ended = Some(Ended { is_success: true, reason: None, message: None });
    for s in [2, 3] {
        assert_eq!(state.step(&object, Some(ended.clone()), at(s)).finish, Some(Finish::Stop));
    }
    state.finished(Finish::Stop);
    assert_eq!(state.step(&object, Some(ended), at(4)).finish, None);
}
