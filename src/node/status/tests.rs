//! Statuses of one pod in one state each.
