//! Pages of lists, and what is seen of them while others write.

use super::super::tests::{MAPS, api, ask, make};
use serde_json::Value;

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_show_the_moment_of_the_first_one_whatever_happens_meanwhile() {
    let api = api().await;
    for name in ["a", "b", "c", "d", "e"] {
        make(&api, name, "x").await;
    }
    let (_, first) = ask(&api, "GET", &format!("{MAPS}?limit=2"), &Value::Null).await;
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    let version = first["metadata"]["resourceVersion"].clone();
    make(&api, "bb", "x").await;
    ask(&api, "DELETE", &format!("{MAPS}/c"), &Value::Null).await;
    ask(&api, "PATCH", &format!("{MAPS}/d"), &serde_json::json!({"data": {"k": "v"}})).await;
    let mut seen = Vec::new();
    let mut resume = first["metadata"]["continue"].as_str().map(str::to_owned);
    while let Some(token) = resume {
        let (code, page) = ask(&api, "GET", &format!("{MAPS}?limit=2&continue={token}"), &Value::Null).await;
        assert_eq!((code, &page["metadata"]["resourceVersion"]), (200, &version));
        assert!(page["items"].as_array().unwrap().iter().all(|map| map["data"].is_null()), "{page}");
        seen.extend(names(&page));
        resume = page["metadata"]["continue"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, ["c", "d", "e"]);
    let exact = format!("{MAPS}?resourceVersion={}&resourceVersionMatch=Exact", version.as_str().unwrap());
    assert_eq!(names(&ask(&api, "GET", &exact, &Value::Null).await.1), ["a", "b", "c", "d", "e"]);
    assert_eq!(names(&ask(&api, "GET", MAPS, &Value::Null).await.1), ["a", "b", "bb", "d", "e"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_forgotten_revision_is_expired() {
    let api = api().await;
    for name in ["a", "b"] {
        make(&api, name, "x").await;
    }
    let (_, first) = ask(&api, "GET", &format!("{MAPS}?limit=1"), &Value::Null).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let key = crate::objects::ObjectKey::new(crate::objects::Kind::ConfigMap, "default", "a");
    for i in 0..crate::store::MemoryBackend::HISTORY_EVENTS_MAX + 1 {
        let change = |map: &mut k8s_openapi::api::core::v1::ConfigMap| {
            map.data = Some([("i".to_owned(), i.to_string())].into());
        };
        api.store.modify(&key, change).await.unwrap();
    }
    let (code, status) = ask(&api, "GET", &format!("{MAPS}?limit=1&continue={token}"), &Value::Null).await;
    assert_eq!((code, &status["reason"]), (410, &Value::from("Expired")));
}
