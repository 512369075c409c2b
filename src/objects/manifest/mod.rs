//! Manifests: YAML and JSON text to objects, every mistake with its place.
