//! The volumes controller: claims bind to volumes, volumes are provisioned and reclaimed.
