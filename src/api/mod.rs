//! How objects come in: manifest files that are followed, later HTTP.
