//! Watches from their first line to their end.

use futures_util::StreamExt;

use super::super::tests::{Lines, MAPS, api, ask, make, send};
use super::*;
use serde_json::json;

async fn label(api: &Arc<Api>, name: &str, label: &str) {
    let patch = json!({"metadata": {"labels": {"app": label}}});
    assert_eq!(ask(api, "PATCH", &format!("{MAPS}/{name}"), &patch).await.0, 200);
}

async fn delete(api: &Arc<Api>, name: &str) {
    assert_eq!(ask(api, "DELETE", &format!("{MAPS}/{name}"), &Value::Null).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn objects_enter_and_leave_the_view_of_a_selector() {
    let api = api().await;
    make(&api, "a", "x").await;
    make(&api, "b", "y").await;
    let mut watch = Lines::open(&api, &format!("{MAPS}?watch=1&labelSelector=app%3Dx")).await;
    watch.expect(&["ADDED a"]).await;
    label(&api, "b", "x").await;
    label(&api, "a", "y").await;
    label(&api, "a", "z").await;
    delete(&api, "a").await;
    delete(&api, "b").await;
    make(&api, "b", "x").await;
    watch.expect(&["ADDED b", "DELETED a", "DELETED b", "ADDED b"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_revision_sees_what_came_after_it_and_nothing_else() {
    let api = api().await;
    make(&api, "a", "x").await;
    let from = api.store.revision();
    make(&api, "b", "x").await;
    delete(&api, "a").await;
    let mut watch = Lines::open(&api, &format!("{MAPS}?watch=true&resourceVersion={from}")).await;
    watch.expect(&["ADDED b", "DELETED a"]).await;
    let mut one =
        Lines::open(&api, &format!("{MAPS}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Db"))
            .await;
    one.expect(&["ADDED b"]).await;
}

#[tokio::test(start_paused = true)]
async fn initial_events_end_with_a_bookmark_if_asked_for() {
    let api = api().await;
    make(&api, "a", "x").await;
    let query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = Lines::open(&api, &format!("{MAPS}?{query}")).await;
    watch.expect(&["ADDED a", "BOOKMARK (end of initial events)"]).await;
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_each_minute_and_before_the_end_but_only_if_asked_for() {
    let api = api().await;
    let from = api.store.revision();
    let path = format!("{MAPS}?watch=1&resourceVersion={from}&timeoutSeconds=150");
    let mut silent = Lines::open(&api, &path).await;
    let mut watch = Lines::open(&api, &format!("{path}&allowWatchBookmarks=true")).await;
    let started = api.now();
    for seconds in [60, 120, 148] {
        watch.expect(&["BOOKMARK"]).await;
        assert_eq!(api.now().duration_since(started).as_secs(), seconds);
    }
    watch.expect(&["end"]).await;
    assert_eq!(api.now().duration_since(started).as_secs(), 150);
    silent.expect(&["end"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_not_known_is_an_error_in_the_stream() {
    let api = api().await;
    let future = api.store.revision() + 1000;
    let mut watch = Lines::open(&api, &format!("{MAPS}?watch=1&resourceVersion={future}")).await;
    watch.expect(&["ERROR Expired", "end"]).await;
    make(&api, "a", "x").await;
    let old = api.store.revision();
    for i in 0..crate::store::MemoryBackend::HISTORY_EVENTS_MAX + 1 {
        let key = crate::objects::ObjectKey::new(crate::objects::Kind::ConfigMap, "default", "a");
        let change = |map: &mut k8s_openapi::api::core::v1::ConfigMap| {
            map.data = Some([("i".to_owned(), i.to_string())].into());
        };
        api.store.modify(&key, change).await.unwrap();
    }
    let mut watch = Lines::open(&api, &format!("{MAPS}?watch=1&resourceVersion={old}")).await;
    watch.expect(&["ERROR Expired", "end"]).await;
}

#[tokio::test(start_paused = true)]
async fn watches_are_bounded_and_end_when_the_server_stops() {
    let api = api().await;
    let from = api.store.revision();
    let path = format!("{MAPS}?watch=1&resourceVersion={from}");
    let mut watch = Lines::open(&api, &path).await;
    let all: Vec<_> = std::iter::from_fn(|| api.watches.open(Some("default")).ok()).collect();
    let (code, status) = ask(&api, "GET", &path, &Value::Null).await;
    assert_eq!((code, &status["details"]["retryAfterSeconds"]), (429, &json!(1)));
    drop(all);
    api.stop.cancel();
    watch.expect(&["end"]).await;
    drop(watch);
    assert_eq!(api.watches.n_open(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_thick_and_fast_is_sent_together() {
    let api = api().await;
    let from = api.store.revision();
    let path = format!("{MAPS}?watch=1&resourceVersion={from}");
    let mut chunks = send(&api, "GET", &path, &[], "").await.into_body().into_data_stream();
    let mut next = async || {
        let chunk = chunks.next().await.unwrap().unwrap();
        String::from_utf8(chunk.to_vec()).unwrap().lines().count()
    };
    make(&api, "a", "x").await;
    let first = api.now();
    assert_eq!((next().await, api.now()), (1, first));
    make(&api, "b", "x").await;
    make(&api, "c", "x").await;
    assert_eq!((next().await, api.now()), (2, first + GATHER));
    api.clock().sleep(GATHER).await;
    make(&api, "d", "x").await;
    assert_eq!((next().await, api.now()), (1, first + GATHER + GATHER));
}
