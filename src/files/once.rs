//! Manifests read once, by those who neither apply nor follow them.

use super::manifests::Manifests;
use super::problem::Problem;
use super::reading;
use super::wanted::{NAMESPACE_DEFAULT, STRICT};
use crate::machinery::manifest::{self, Mistake, Skipped};
use crate::objects::Typed;

/// What manifests hold.
#[derive(Debug, Default)]
pub struct Content {
    /// The objects without a mistake, in the order of the files.
    pub objects: Vec<Typed>,
    /// The objects of kinds that are not served.
    pub skipped: Vec<Skipped>,
    /// Every mistake.
    pub problems: Vec<Problem>,
}

/// Reads manifests as strictly as those that are applied.
pub fn read(manifests: &Manifests) -> Content {
    let mut content = Content::default();
    for path in &manifests.paths {
        let reading = reading::read(path, manifests.is_recursive);
        if reading.texts.is_empty() {
            content.problems.push(Problem::NoManifest(path.clone()));
        }
        for read in reading.texts {
            match read {
                Ok(text) => {
                    let read = manifest::parse(&text.file, &text.content, NAMESPACE_DEFAULT, STRICT);
                    content.objects.extend(read.objects.into_iter().map(|located| located.typed));
                    content.problems.extend(read.mistakes.into_iter().map(Problem::from));
                    content.skipped.extend(read.skipped);
                }
                Err((path, source)) => content.problems.push(Problem::Unreadable { path, source }),
            }
        }
    }
    if manifests.is_strict {
        content.problems.extend(content.skipped.drain(..).map(|skipped| Mistake::from(skipped).into()));
    }
    content
}
