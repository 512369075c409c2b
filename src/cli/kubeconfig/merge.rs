//! One server's entries in a kubeconfig of the user's: put in, or taken out. Pure: text in, text out.
//!
//! What is not ours stays as it is and where it is, unknown fields too; comments do not survive, as with
//! `kubectl config`. The current context changes only where there is none, or on request: a command
//! meant for another cluster must not reach this one. (kind always switches.)

use serde_yaml::{Mapping, Value};

/// Why a kubeconfig is left alone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    /// It is not YAML.
    #[error("line {line}: {reason}")]
    Syntax { line: usize, reason: String },
    /// A part of it is not what it is in a kubeconfig.
    #[error("line {line}: {what}")]
    Shape { line: usize, what: String },
}

/// The lists in which a server has an entry, and what an entry holds.
const LISTS: [(&str, &str); 3] = [("clusters", "cluster"), ("contexts", "context"), ("users", "user")];
const CURRENT: &str = "current-context";

/// `text` with the entries of `own`, which has one server's alone. Entries of the same name are replaced.
pub(super) fn merge(text: &str, own: &str, is_to_be_current: bool) -> Result<String, Mistake> {
    let (mut root, own) = (parse(text)?, parse(own)?);
    let context = own.get(CURRENT).cloned().unwrap_or(Value::Null);
    for (list, content) in LISTS {
        for entry in own.get(list).and_then(Value::as_sequence).into_iter().flatten() {
            let entries = entries(&mut root, text, list)?;
            match entries.iter_mut().find(|other| other.get("name") == entry.get("name")) {
                Some(other) => update(other, entry, content),
                None => entries.push(entry.clone()),
            }
        }
    }
    let has_current = root.get(CURRENT).and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if is_to_be_current || !has_current {
        root.insert(CURRENT.into(), context);
    }
    Ok(written(&root))
}

/// `text` without the entries of this name; `None` if it has none.
pub(super) fn remove(text: &str, name: &str) -> Result<Option<String>, Mistake> {
    let mut root = parse(text)?;
    let mut has_changed = false;
    for (list, _) in LISTS {
        let entries = entries(&mut root, text, list)?;
        let n_before = entries.len();
        entries.retain(|entry| entry.get("name").and_then(Value::as_str) != Some(name));
        has_changed |= entries.len() != n_before;
    }
    if root.get(CURRENT).and_then(Value::as_str) == Some(name) {
        root.insert(CURRENT.into(), "".into());
        has_changed = true;
    }
    Ok(has_changed.then(|| written(&root)))
}

/// The content is ours as a whole; what else the entry has, such as extensions, is not.
fn update(other: &mut Value, entry: &Value, content: &str) {
    if let (Some(other), Some(new)) = (other.as_mapping_mut(), entry.get(content)) {
        other.insert(content.into(), new.clone());
    }
}

fn parse(text: &str) -> Result<Mapping, Mistake> {
    let syntax = |error: serde_yaml::Error| {
        let line = error.location().map_or(1, |location| location.line());
        Mistake::Syntax { line, reason: error.to_string() }
    };
    match serde_yaml::from_str(text).map_err(syntax)? {
        Value::Null => {
            let head = [("apiVersion", "v1"), ("kind", "Config")];
            Ok(head.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
        }
        Value::Mapping(root) => Ok(root),
        _ => Err(Mistake::Shape { line: 1, what: "expected a kubeconfig, which is a map".to_owned() }),
    }
}

fn entries<'a>(root: &'a mut Mapping, text: &str, list: &str) -> Result<&'a mut Vec<Value>, Mistake> {
    let value = root.entry(list.into()).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Sequence(Vec::new());
    }
    value.as_sequence_mut().ok_or_else(|| {
        let is_there = |line: &str| line.trim_start().trim_start_matches(['"', '\'', '{']).starts_with(list);
        let line = text.lines().position(is_there).map_or(1, |index| index + 1);
        Mistake::Shape { line, what: format!("{list}: expected a list") }
    })
}

fn written(root: &Mapping) -> String {
    serde_yaml::to_string(root).expect("what was read from YAML can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "apiVersion: v1\nkind: Config\ncurrent-context: dullahan\nclusters:\n- name: dullahan\n  cluster: {server: 'https://127.0.0.1:7443'}\ncontexts:\n- name: dullahan\n  context: {cluster: dullahan, user: dullahan}\nusers:\n- name: dullahan\n  user: {token: t}\n";
    const USERS: &str = "kind: Config
x-of-mine:
  b: 1
  a: 2
users:
- name: me
  user:
    exec:
      command: login
apiVersion: v1
contexts:
- name: work
  context:
    cluster: work
    user: me
  note: mine
clusters:
- name: work
  cluster:
    server: https://k8s.example
current-context: work
preferences: {}
";

    #[test]
    fn what_is_the_users_stays_as_it_was_and_where_it_was() {
        let merged = merge(USERS, OWN, false).unwrap();
        let mut left = merged.lines();
        for line in USERS.lines() {
            assert!(left.any(|other| other == line), "{line:?} is missing or has moved:\n{merged}");
        }
        assert_eq!(remove(&merged, "dullahan").unwrap().as_deref(), Some(USERS));
        assert_eq!(remove(USERS, "dullahan").unwrap(), None);
    }

    #[test]
    fn the_current_context_changes_only_where_there_is_none_or_on_request() {
        let current = |text: &str| parse(text).unwrap().get(CURRENT).cloned();
        assert_eq!(current(&merge(USERS, OWN, false).unwrap()), Some("work".into()));
        assert_eq!(current(&merge(USERS, OWN, true).unwrap()), Some("dullahan".into()));
        for empty in ["", "current-context: ''\n", "# nothing\n"] {
            assert_eq!(current(&merge(empty, OWN, false).unwrap()), Some("dullahan".into()), "{empty}");
        }
        let merged = merge("", OWN, false).unwrap();
        assert_eq!(current(&remove(&merged, "dullahan").unwrap().unwrap()), Some("".into()));
    }

    #[test]
    fn an_entry_of_the_same_name_is_replaced_and_what_was_added_to_it_stays() {
        let with_namespace = merge(USERS, OWN, false).unwrap().replace("token: t", "token: old");
        let again =
            merge(&with_namespace.replace("- name: dullahan\n", "- name: dullahan\n  mine: 1\n"), OWN, false);
        let again = again.unwrap();
        assert_eq!((again.matches("token: t").count(), again.matches("mine: 1").count()), (1, 3), "{again}");
        assert_eq!(merge(&again, OWN, false).unwrap(), again);
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused_with_its_line() {
        for (text, expected) in [
            ("a: 1\nb: [\n", "line "),
            ("kind: Config\nclusters: {}\n", "line 2: clusters: expected a list"),
            ("- a\n", "line 1: expected a kubeconfig"),
            ("a: 1\na: 2\n", "duplicate"),
        ] {
            let told = merge(text, OWN, false).unwrap_err().to_string();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
