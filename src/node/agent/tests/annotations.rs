//! Each annotation, seen in the statuses of one pod.
