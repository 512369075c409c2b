//! The pull policy that follows from the name of an image.
//!
//! The rule is the Kubernetes document "Images", "Default image pull policy".

/// `Always` for images that may change: those tagged `latest`, or with neither tag nor digest, which
/// means the same.
pub(super) fn pull_policy(image: Option<&str>) -> &'static str {
    let Some(image) = image.filter(|image| !image.is_empty()) else { return "IfNotPresent" };
    let has_digest = image.contains('@');
    let last = image.rsplit('/').next().unwrap_or_default();
    match last.split('@').next().unwrap_or_default().split_once(':') {
        Some((_, "latest")) => "Always",
        None if !has_digest => "Always",
        _ => "IfNotPresent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_policy_follows_from_the_tag() {
        let cases = [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("registry:5000/nginx:1.27", "IfNotPresent"),
            ("nginx@sha256:abcd", "IfNotPresent"),
            ("nginx:latest@sha256:abcd", "Always"),
            ("", "IfNotPresent"),
        ];
        for (image, expected) in cases {
            assert_eq!(pull_policy(Some(image)), expected, "{image}");
        }
    }
}
