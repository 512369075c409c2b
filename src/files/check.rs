//! Manifest files, checked without a server.
//!
//! They are applied to a store of their own, which has what a new server has, by what applies them in a
//! server. So whatever `serve -f` refuses or warns of is found, and what the API would say to whoever
//! writes the same objects. One thing differs: a file with mistakes gives its other objects, so that
//! all that is wrong is told at once.

use super::manifests::Manifests;
use super::report::Report;
use super::source::{Files, Mode};
use crate::clock::Clock;
use crate::store::{Bootstrap, Store, StoreError, StoreOptions};

/// Reads, validates and applies files where nobody sees it. The report has every problem, and the
/// warnings about objects without one.
pub async fn check(manifests: Manifests, bootstrap: &Bootstrap, clock: Clock) -> Result<Report, StoreError> {
    let store = Store::in_memory(clock, StoreOptions::default());
    store.bootstrap(bootstrap).await?;
    Ok(Files::new(store, Mode::Check, manifests).load().await)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SET: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: nginx\n  \
         selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
         spec: {containers: [{name: c, image: i}]}\n";

    /// What is said of one file of a folder, without the folder.
    async fn said(folder: &Path, text: &str, bootstrap: &Bootstrap) -> Vec<String> {
        std::fs::write(folder.join("a.yaml"), text).unwrap();
        let clock = Clock::system();
        let report = check(vec![folder.to_owned()].into(), bootstrap, clock).await.unwrap();
        let problems = report.problems.iter().map(ToString::to_string);
        let said = problems.chain(report.remarks.iter().map(ToString::to_string));
        said.map(|line| line.replace(&format!("{}/", folder.display()), "")).collect()
    }

    #[tokio::test]
    async fn a_check_warns_of_what_is_valid_and_will_not_work() {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = Bootstrap { default_storage_class: true };
        let said = said(folder.path(), &format!("# a set\n---\n{SET}"), &bootstrap).await;
        let [remark] = &said[..] else { panic!("{said:?}") };
        let expected =
            "a.yaml:3: warning: StatefulSet default/web: spec.serviceName: there is no Service \"nginx\"";
        assert!(remark.starts_with(expected), "{remark}");
    }

    #[tokio::test]
    async fn a_class_is_looked_for_among_those_of_the_files_and_of_a_new_server() {
        let folder = tempfile::tempdir().unwrap();
        let claim = |class: &str| {
            format!(
                "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: c}}\nspec: {{{class} accessModes: [ReadWriteOnce], \
                 resources: {{requests: {{storage: 1Gi}}}}}}\n"
            )
        };
        let class = "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: x.y/z\n";
        for (text, default_storage_class, expected) in [
            (claim(""), true, ""),
            (claim(""), false, "no class is named and none is the default"),
            (claim("storageClassName: standard,"), true, ""),
            (claim("storageClassName: standard,"), false, "there is no StorageClass \"standard\""),
            (claim("storageClassName: fast,"), true, "there is no StorageClass \"fast\""),
            (claim("storageClassName: fast,") + class, false, ""),
        ] {
            let said = said(folder.path(), &text, &Bootstrap { default_storage_class }).await;
            assert_eq!(said.len(), usize::from(!expected.is_empty()), "{text}: {said:?}");
            assert!(said.iter().all(|line| line.contains(expected)), "{text}: {said:?}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_between_two_objects_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let service = |name: &str, ip: &str| {
            format!(
                "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{ip} selector: {{app: web}}, ports: \
                 [{{port: 80}}]}}\n"
            )
        };
        let bootstrap = Bootstrap { default_storage_class: true };
        let text = format!("{SET}{}", service("nginx", ""));
        let not_headless = said(folder.path(), &text, &bootstrap).await;
        assert_eq!(not_headless.len(), 1, "{not_headless:?}");
        assert!(not_headless[0].contains("Service \"nginx\" is not headless"), "{not_headless:?}");
        let none = "clusterIP: None,";
        let text = format!("{SET}{}{}", service("nginx", none), service("twin", none));
        let twins = said(folder.path(), &text, &bootstrap).await;
        assert_eq!(twins.len(), 1, "{twins:?}");
        assert!(twins[0].contains("\"nginx\" and \"twin\" are both headless"), "{twins:?}");
    }

    #[tokio::test]
    async fn what_a_server_would_refuse_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let text = SET.replace("{name: web}", "{name: web, namespace: prod}");
        let said = said(folder.path(), &text, &Bootstrap::default()).await;
        let expected = "a.yaml:1: StatefulSet prod/web: there is no Namespace \"prod\"; add it to the files, or create it";
        assert_eq!(said, [expected]);
    }

    #[tokio::test]
    async fn a_path_in_which_nothing_is_found_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let (paths, bootstrap) = (vec![folder.path().to_owned()], Bootstrap::default());
        let report = check(paths.into(), &bootstrap, Clock::system()).await;
        let problem = report.unwrap().problems.remove(0).to_string();
        assert!(
            problem.ends_with("there is no manifest in it; files that end in .yaml, .yml or .json are read")
        );
        let said = said(folder.path(), "# nothing\n---\n", &Bootstrap::default()).await;
        assert!(said[0].ends_with("there is no object in it"), "{said:?}");
    }
}
