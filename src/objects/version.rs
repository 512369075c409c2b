//! The version of Kubernetes whose behaviour this program has: one for the API server and the kubelet.

/// The major version.
pub const MAJOR: &str = "1";
/// The minor version.
pub const MINOR: &str = "37";
/// The version as servers and nodes report it: Kubernetes', and this program's as build metadata
/// (Semantic Versioning, section 10), which clients ignore when they compare.
pub const GIT_VERSION: &str = concat!("v1.37.0+dullahan.", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_those_of_the_whole() {
        assert!(GIT_VERSION.starts_with(&format!("v{MAJOR}.{MINOR}.")), "{GIT_VERSION}");
    }
}
