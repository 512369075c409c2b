//! The scale of scores, and what each kind counts.

/// The best score of one kind.
pub(super) const SCORE_MAX: i64 = 100;

/// What the scores of each kind count, as in kube-scheduler's default profile.
pub(super) const TAINTS: i64 = 3;
pub(super) const NODE_AFFINITY: i64 = 2;
pub(super) const SPREAD: i64 = 2;
pub(super) const INTER_POD: i64 = 2;
pub(super) const LEAST_ALLOCATED: i64 = 1;
pub(super) const BALANCE: i64 = 1;

/// Scales scores from their largest value to [`SCORE_MAX`], turned round if the smallest is the best.
pub(super) fn scaled(raw: &[i64], is_least_best: bool) -> Vec<i64> {
    let most = raw.iter().max().copied().unwrap_or_default();
    let score = |raw: &i64| {
        let share = if most == 0 { 0 } else { SCORE_MAX * raw / most };
        if is_least_best { SCORE_MAX - share } else { share }
    };
    raw.iter().map(score).collect()
}
