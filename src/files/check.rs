//! Manifest files, read and checked without a server.
//!
//! Mistakes are errors that the API would report. Remarks are warnings about objects that it accepts
//! and that likely do not do what their writer wants.

use std::path::PathBuf;
use std::sync::Arc;

use super::problem::Problem;
use super::reading;
use super::wanted::{NAMESPACE_DEFAULT, STRICT, Wanted, WantedObjects, each_once};
use crate::machinery::manifest::{self, Source};
use crate::objects::{ObjectKey, Typed};
use crate::rules::defaulting;
use crate::rules::lint::{RelatedObjects, Warning, lint};

/// The result of checking files.
#[derive(Debug, Default)]
pub struct Checked {
    /// Files that could be read.
    pub n_files: usize,
    /// Objects without a mistake.
    pub n_objects: usize,
    /// Every mistake.
    pub problems: Vec<Problem>,
    /// Warnings about objects without a mistake.
    pub remarks: Vec<Remark>,
}

/// A warning about an object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where the object is.
    pub source: Source,
    /// The object.
    pub key: ObjectKey,
    /// The warning.
    pub warning: Warning,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Source { file, line, .. } = &self.source;
        write!(f, "{file}:{line}: warning: {}: {}", self.key, self.warning)
    }
}

/// Reads and validates files without applying them.
pub fn check(paths: &[PathBuf]) -> Checked {
    let mut checked = Checked::default();
    let mut objects = Vec::new();
    for path in paths {
        for read in reading::read(path) {
            let text = match read {
                Ok(text) => text,
                Err((path, source)) => {
                    checked.problems.push(Problem::Unreadable { path, source });
                    continue;
                }
            };
            let manifest = manifest::parse(&text.file, &text.content, NAMESPACE_DEFAULT, STRICT);
            checked.n_files += 1;
            checked.n_objects += manifest.objects.len();
            checked.problems.extend(manifest.mistakes.into_iter().map(Problem::from));
            objects.extend(manifest.objects.into_iter().map(|located| Arc::new(Wanted::from(located))));
        }
    }
    checked.remarks = remarks(&each_once(objects, &mut checked.problems));
    checked
}

/// The warnings about the objects. A server has storage classes of its own, so no rule looks for
/// those.
fn remarks(objects: &WantedObjects) -> Vec<Remark> {
    let defaulted = |object: &Arc<Wanted>| {
        let mut typed = object.typed.clone();
        defaulting::default(&mut typed);
        typed
    };
    let typed: Vec<Typed> = objects.values().map(defaulted).collect();
    let related = RelatedObjects::of(&typed).without_classes();
    let mut remarks = Vec::new();
    for (typed, object) in typed.iter().zip(objects.values()) {
        let remark = |warning| Remark { source: object.source.clone(), key: object.key.clone(), warning };
        remarks.extend(lint(typed, &related).into_iter().map(remark));
    }
    let order = |remark: &Remark| (remark.source.file.clone(), remark.source.line);
    remarks.sort_by_key(order);
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_warns_of_what_is_valid_and_will_not_work() {
        let folder = tempfile::tempdir().unwrap();
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: nginx\n  \
                   selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
                   spec: {containers: [{name: c, image: i}]}\n";
        std::fs::write(folder.path().join("a.yaml"), format!("# a set\n---\n{set}")).unwrap();
        let checked = check(&[folder.path().to_owned()]);
        assert!(checked.problems.is_empty(), "{:?}", checked.problems);
        let remarks: Vec<String> = checked.remarks.iter().map(ToString::to_string).collect();
        let [remark] = &remarks[..] else { panic!("{remarks:?}") };
        let expected =
            "a.yaml:3: warning: StatefulSet default/web: spec.serviceName: there is no Service \"nginx\"";
        assert!(remark.contains(expected), "{remark}");
    }
}
